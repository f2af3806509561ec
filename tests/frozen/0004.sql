SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.attempts (
    id integer NOT NULL,
    candidate_id integer NOT NULL,
    epoch integer NOT NULL,
    number integer NOT NULL,
    node character varying(255) NOT NULL,
    pid integer NOT NULL,
    started_at character varying(32) NOT NULL,
    ended_at character varying(32),
    outcome character varying(16),
    reason text NOT NULL,
    error text NOT NULL
);
CREATE SEQUENCE public.attempts_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.attempts_id_seq OWNED BY public.attempts.id;
CREATE TABLE public.candidates (
    id integer NOT NULL,
    study_id integer NOT NULL,
    role character varying(16) NOT NULL,
    generation integer NOT NULL,
    slot integer NOT NULL,
    genome json NOT NULL,
    hyperparameters json NOT NULL,
    seed bigint NOT NULL,
    steps integer NOT NULL,
    status character varying(16) NOT NULL,
    attempts integer NOT NULL,
    late_results integer NOT NULL,
    CONSTRAINT ck_candidates_status CHECK (((status)::text = ANY ((ARRAY['waiting'::character varying, 'running'::character varying, 'finished'::character varying, 'diverged'::character varying, 'failed'::character varying, 'timed out'::character varying])::text[])))
);
CREATE SEQUENCE public.candidates_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.candidates_id_seq OWNED BY public.candidates.id;
CREATE TABLE public.curves (
    candidate_id integer NOT NULL,
    dtype character varying(8) NOT NULL,
    length integer NOT NULL,
    data bytea NOT NULL
);
CREATE TABLE public.evaluations (
    candidate_id integer NOT NULL,
    status character varying(16) NOT NULL,
    fitness double precision NOT NULL,
    steps_done integer NOT NULL,
    seconds double precision NOT NULL,
    epoch integer NOT NULL,
    attempt integer NOT NULL,
    node character varying(255) NOT NULL,
    device character varying(255) NOT NULL,
    reason text NOT NULL,
    error text NOT NULL,
    recorded_at character varying(32) NOT NULL,
    CONSTRAINT ck_evaluations_status CHECK (((status)::text = ANY ((ARRAY['finished'::character varying, 'diverged'::character varying, 'failed'::character varying, 'timed out'::character varying])::text[])))
);
CREATE TABLE public.lodo_tune_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.observations (
    candidate_id integer NOT NULL,
    split character varying(16) NOT NULL,
    name character varying(64) NOT NULL,
    dtype character varying(8) NOT NULL,
    length integer NOT NULL,
    data bytea NOT NULL
);
CREATE TABLE public.studies (
    id integer NOT NULL,
    run character varying(64) NOT NULL,
    optimizer character varying(64) NOT NULL,
    task character varying(255) NOT NULL,
    strategy character varying(64),
    seed bigint NOT NULL,
    generations integer NOT NULL,
    population integer NOT NULL,
    fresh_seeds integer,
    steps json NOT NULL,
    cohort_size integer NOT NULL,
    threads integer NOT NULL,
    "precision" character varying(16),
    options json NOT NULL,
    data json,
    space json NOT NULL,
    versions json NOT NULL,
    hardware json NOT NULL,
    status character varying(16) NOT NULL,
    created_at character varying(32) NOT NULL,
    finished_at character varying(32),
    tuned json,
    tuned_genome json,
    notes json NOT NULL,
    epoch integer NOT NULL,
    owner character varying(255),
    owner_machine character varying(128),
    owner_started bigint,
    lease_seconds double precision,
    renewed_at double precision,
    renewed_uptime double precision,
    comparison json,
    kind character varying(16) NOT NULL,
    parameters json,
    objective json NOT NULL,
    code json
);
CREATE SEQUENCE public.studies_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.studies_id_seq OWNED BY public.studies.id;
ALTER TABLE ONLY public.attempts ALTER COLUMN id SET DEFAULT nextval('public.attempts_id_seq'::regclass);
ALTER TABLE ONLY public.candidates ALTER COLUMN id SET DEFAULT nextval('public.candidates_id_seq'::regclass);
ALTER TABLE ONLY public.studies ALTER COLUMN id SET DEFAULT nextval('public.studies_id_seq'::regclass);
INSERT INTO public.attempts VALUES (1, 1, 1, 1, 'node-1', 17, '2026-11-27T11:14:46.558+00:00', '2026-11-27T11:14:46.622+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (2, 2, 1, 1, 'node-1', 17, '2026-11-27T11:14:46.571+00:00', '2026-11-27T11:14:46.622+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (3, 3, 1, 1, 'node-1', 17, '2026-11-27T11:14:46.582+00:00', '2026-11-27T11:14:46.622+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (4, 4, 1, 1, 'node-1', 17, '2026-11-27T11:14:46.590+00:00', '2026-11-27T11:14:46.622+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (5, 5, 1, 1, 'node-1', 17, '2026-11-27T11:14:46.593+00:00', '2026-11-27T11:14:46.622+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (6, 6, 1, 1, 'node-1', 17, '2026-11-27T11:14:46.600+00:00', '2026-11-27T11:14:46.622+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (7, 7, 1, 1, 'node-1', 0, '2026-11-27T11:14:46.639+00:00', '2026-11-27T11:14:46.654+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (8, 8, 1, 1, 'node-1', 0, '2026-11-27T11:14:46.639+00:00', '2026-11-27T11:14:46.654+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (10, 10, 1, 1, 'node-1', 17, '2026-11-27T11:14:46.705+00:00', '2026-11-27T11:14:46.722+00:00', 'lost', 'worker crashed', 'Traceback …');
INSERT INTO public.attempts VALUES (9, 9, 1, 1, 'node-1', 17, '2026-11-27T11:14:46.705+00:00', '2026-11-27T11:14:46.738+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (11, 11, 1, 1, 'node-1', 0, '2026-11-27T11:14:46.729+00:00', '2026-11-27T11:14:46.738+00:00', 'diverged', 'loss was nan', '');
INSERT INTO public.attempts VALUES (12, 12, 1, 1, 'node-1', 0, '2026-11-27T11:14:46.747+00:00', '2026-11-27T11:14:46.759+00:00', 'failed', '', 'é
✓');
INSERT INTO public.attempts VALUES (13, 13, 1, 1, 'node-1', 0, '2026-11-27T11:14:46.764+00:00', '2026-11-27T11:14:46.773+00:00', 'timed out', 'timed out after 9 s', '');
INSERT INTO public.attempts VALUES (14, 15, 1, 1, 'node-1', 0, '2026-11-27T11:14:46.833+00:00', '2026-11-27T11:14:46.858+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (15, 16, 1, 1, 'node-1', 0, '2026-11-27T11:14:46.833+00:00', '2026-11-27T11:14:46.858+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (16, 17, 1, 1, 'node-1', 0, '2026-11-27T11:14:46.833+00:00', '2026-11-27T11:14:46.858+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (17, 18, 1, 1, 'node-1', 0, '2026-11-27T11:14:46.833+00:00', '2026-11-27T11:14:46.858+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (18, 19, 1, 1, 'node-1', 0, '2026-11-27T11:14:46.833+00:00', '2026-11-27T11:14:46.858+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (19, 20, 1, 1, 'node-1', 0, '2026-11-27T11:14:46.833+00:00', '2026-11-27T11:14:46.858+00:00', 'finished', '', '');
INSERT INTO public.candidates VALUES (1, 1, 'search', 0, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (2, 1, 'search', 0, 1, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (3, 1, 'search', 0, 2, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (4, 1, 'search', 1, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (5, 1, 'search', 1, 1, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (6, 1, 'search', 1, 2, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (7, 1, 'default', 0, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (8, 1, 'tuned', 0, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (14, 2, 'search', 1, 2, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'waiting', 0, 0);
INSERT INTO public.candidates VALUES (10, 2, 'search', 0, 1, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'waiting', 1, 0);
INSERT INTO public.candidates VALUES (9, 2, 'search', 0, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (11, 2, 'search', 0, 2, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'diverged', 1, 0);
INSERT INTO public.candidates VALUES (12, 2, 'search', 1, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'failed', 1, 0);
INSERT INTO public.candidates VALUES (13, 2, 'search', 1, 1, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'timed out', 1, 0);
INSERT INTO public.candidates VALUES (15, 3, 'comparison', 0, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (16, 3, 'comparison', 0, 1, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (17, 3, 'comparison', 0, 2, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (18, 3, 'comparison', 1, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (19, 3, 'comparison', 1, 1, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (20, 3, 'comparison', 1, 2, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (21, 4, 'search', 0, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'waiting', 0, 0);
INSERT INTO public.candidates VALUES (22, 4, 'search', 0, 1, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'waiting', 0, 0);
INSERT INTO public.candidates VALUES (23, 4, 'search', 0, 2, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'waiting', 0, 0);
INSERT INTO public.candidates VALUES (24, 4, 'search', 1, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'waiting', 0, 0);
INSERT INTO public.candidates VALUES (25, 4, 'search', 1, 1, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'waiting', 0, 0);
INSERT INTO public.candidates VALUES (26, 4, 'search', 1, 2, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'waiting', 0, 0);
INSERT INTO public.curves VALUES (1, 'float64', 20, '\x780101a0005fff41cc6df0ede63ca328bbfbe3837e7ef7d428f8938445b0d443d110bcafc8f40c2325e226a4d0c162dbbd6884e6cebd69da9c208b1a9d428c7dd4f0b689e9a4ec189526bcc19549c3bc8051f2d0029a7fedcf57bb345f2f7cff2addada95d40bb9143272217e87eda2424dd4e843ff1289901ef6e6a3e58aec0c0e4bae1d7f4eee6f4e3a502ccf3e7e1d4daf03fbf3f3fbf3f3f3fbfbfbf3fc0bfbfbfbfbf3f3f140e5c94');
INSERT INTO public.curves VALUES (2, 'float64', 20, '\x780101a0005fff9e87ed0d71a41a005ebd4b46ad60028d7d997f97e8425d17f8f5556c3706b80f7d6dcd076be0abf1348dd7d6a1d13a5f1e90875cfdd9555891a91da902844d42a46cb92f2e7cf832128b2cb3bdba6a4a177ac834f7bfc1aa39dc71ff90afbfdfe226bf025c60287261892cea6714f318ca888a7765faaa8cbaefeaf0e2ffd96205ff9302b2cbf39ff4ccd8f63fbfbfbfbf3f3fbfc03f3fc03f3f3f3fbf3fbfbf18a0542d');
INSERT INTO public.curves VALUES (3, 'float64', 20, '\x78016333704a38768eed0d67f8fedfd5969a0f5f5e69f9c67e5b61ae98e25d5ebe09df9b67f25ba759459c57f8f145d737be9ddfab2556b5774d9c76b7ff4c86956b04e5a67654b996e594559dab7e23779d277ae6d39f0fbfce5d7496c3fe68a6968cf8c4305eddc6c6bd8679fc33d88e1d74e35cb723a957ef64ffac5306d71e5ffb70e9e73ba6f9c7bf3cbbf5f4f5a68fdf3f7f5cb37fff7efbfdfb0f000920052501fe4d540a');
INSERT INTO public.curves VALUES (4, 'float64', 20, '\x78015b28cfc5fed9bd54e95d90feb72dd1d3bbdd65e6b76ccef833cdb3302851ffd1a609ebe30fe86c796bd9bb9be5e996cb2dda535696ecd8199aa9172c6fe1d9afa1d4937a7779efbf52e9606bcd8ddf3a0eb63e2de4ddf470f79ab41d2dea823bd6705873ed2f9993724dce4bf5e68f897a33422f4bd54dbc755b336c3b6be9b55757bfbcb9f3f0d1f54b731f3e3f72eff1924b2f2fd8dbdbef072310633f88b97f3f003668541b');
INSERT INTO public.curves VALUES (5, 'float64', 20, '\x78019bafb83179f189bcff0af752ae8b16841fc83ae96c579a7d75fbeebb1606998f246a835b374c9729282c966637155e3073566947884787dcefc22c43e1f545ea8c331adec8df3f133d73ab569940d471892bbc176c6c0fdead7ba9579de573e9564d9357b1e4bdf476c107ee7f744eca253f5db7acead42611058935facc0f3f1f3ffde8eceb6b8f1f5c7afeeed6e175773efe79670f06fbeded810888418cfd00953c515b');
INSERT INTO public.curves VALUES (6, 'float64', 20, '\x780101a0005fffcd97a70404ff768cca39dfd8bf21928f7ef3b2b589e19f47d8cf935186b737254d718718e0919eeeb705bda7fe74b9360d6ee2c1852b152e8c8173939ec96a67368e17ca96b77385e7d854079cc6611080c8b1eae52e751ddb4c2ae5ccbf0e8d641e8f38366860ad8313fd77fb6386222da952d670222b0cf3eae4c8f1e4ebedc0f6aff4f4e5ebe7e604e8d4bf3f3fbf3fbf3f3f3fbfbf3f3fbf3fbfbfc03f3f15305726');
INSERT INTO public.curves VALUES (7, 'float64', 20, '\x780101a0005fff41cc6df0ede63ca328bbfbe3837e7ef7d428f8938445b0d443d110bcafc8f40c2325e226a4d0c162dbbd6884e6cebd69da9c208b1a9d428c7dd4f0b689e9a4ec189526bcc19549c3bc8051f2d0029a7fedcf57bb345f2f7cff2addada95d40bb9143272217e87eda2424dd4e843ff1289901ef6e6a3e58aec0c0e4bae1d7f4eee6f4e3a502ccf3e7e1d4daf03fbf3f3fbf3f3f3fbfbfbf3fc0bfbfbfbfbf3f3f140e5c94');
INSERT INTO public.curves VALUES (8, 'float64', 20, '\x780101a0005fff41cc6df0ede63ca328bbfbe3837e7ef7d428f8938445b0d443d110bcafc8f40c2325e226a4d0c162dbbd6884e6cebd69da9c208b1a9d428c7dd4f0b689e9a4ec189526bcc19549c3bc8051f2d0029a7fedcf57bb345f2f7cff2addada95d40bb9143272217e87eda2424dd4e843ff1289901ef6e6a3e58aec0c0e4bae1d7f4eee6f4e3a502ccf3e7e1d4daf03fbf3f3fbf3f3f3fbfbfbf3fc0bfbfbfbfbf3f3f140e5c94');
INSERT INTO public.curves VALUES (9, 'float64', 20, '\x780101a0005fff41cc6df0ede63ca328bbfbe3837e7ef7d428f8938445b0d443d110bcafc8f40c2325e226a4d0c162dbbd6884e6cebd69da9c208b1a9d428c7dd4f0b689e9a4ec189526bcc19549c3bc8051f2d0029a7fedcf57bb345f2f7cff2addada95d40bb9143272217e87eda2424dd4e843ff1289901ef6e6a3e58aec0c0e4bae1d7f4eee6f4e3a502ccf3e7e1d4daf03fbf3f3fbf3f3f3fbfbfbf3fc0bfbfbfbfbf3f3f140e5c94');
INSERT INTO public.curves VALUES (11, 'float64', 20, '\x78016333704a38768eed0d67f8fedfd5969a0f5f5e69f9c67e5b61ae98e25d5ebe09df9b67f25ba759459c57f8f145d737be9ddfab2556b5774d9c76b7ff4c86956b04e5a67654b996e594559dab7e23779d277ae6d39f0fbfce5d7496c3fe68a6968cf8c4305eddc6c6bd8679fc33d88e1d74e35cb723a957ef64ffac5306d71e5ffb70e9e73ba6f9c7bf3cbbf5f4f5a68fdf3f7f5cb37fff7efbfdfb0f000920052501fe4d540a');
INSERT INTO public.curves VALUES (12, 'float64', 0, '\x7801030000000001');
INSERT INTO public.curves VALUES (13, 'float64', 20, '\x78019bafb83179f189bcff0af752ae8b16841fc83ae96c579a7d75fbeebb1606998f246a835b374c9729282c966637155e3073566947884787dcefc22c43e1f545ea8c331adec8df3f133d73ab569940d471892bbc176c6c0fdead7ba9579de573e9564d9357b1e4bdf476c107ee7f744eca253f5db7acead42611058935facc0f3f1f3ffde8eceb6b8f1f5c7afeeed6e175773efe79670f06fbeded810888418cfd00953c515b');
INSERT INTO public.curves VALUES (15, 'float64', 20, '\x780101a0005fff41cc6df0ede63ca328bbfbe3837e7ef7d428f8938445b0d443d110bcafc8f40c2325e226a4d0c162dbbd6884e6cebd69da9c208b1a9d428c7dd4f0b689e9a4ec189526bcc19549c3bc8051f2d0029a7fedcf57bb345f2f7cff2addada95d40bb9143272217e87eda2424dd4e843ff1289901ef6e6a3e58aec0c0e4bae1d7f4eee6f4e3a502ccf3e7e1d4daf03fbf3f3fbf3f3f3fbfbfbf3fc0bfbfbfbfbf3f3f140e5c94');
INSERT INTO public.curves VALUES (16, 'float64', 20, '\x780101a0005fff9e87ed0d71a41a005ebd4b46ad60028d7d997f97e8425d17f8f5556c3706b80f7d6dcd076be0abf1348dd7d6a1d13a5f1e90875cfdd9555891a91da902844d42a46cb92f2e7cf832128b2cb3bdba6a4a177ac834f7bfc1aa39dc71ff90afbfdfe226bf025c60287261892cea6714f318ca888a7765faaa8cbaefeaf0e2ffd96205ff9302b2cbf39ff4ccd8f63fbfbfbfbf3f3fbfc03f3fc03f3f3f3fbf3fbfbf18a0542d');
INSERT INTO public.curves VALUES (17, 'float64', 20, '\x78016333704a38768eed0d67f8fedfd5969a0f5f5e69f9c67e5b61ae98e25d5ebe09df9b67f25ba759459c57f8f145d737be9ddfab2556b5774d9c76b7ff4c86956b04e5a67654b996e594559dab7e23779d277ae6d39f0fbfce5d7496c3fe68a6968cf8c4305eddc6c6bd8679fc33d88e1d74e35cb723a957ef64ffac5306d71e5ffb70e9e73ba6f9c7bf3cbbf5f4f5a68fdf3f7f5cb37fff7efbfdfb0f000920052501fe4d540a');
INSERT INTO public.curves VALUES (18, 'float64', 20, '\x78015b28cfc5fed9bd54e95d90feb72dd1d3bbdd65e6b76ccef833cdb3302851ffd1a609ebe30fe86c796bd9bb9be5e996cb2dda535696ecd8199aa9172c6fe1d9afa1d4937a7779efbf52e9606bcd8ddf3a0eb63e2de4ddf470f79ab41d2dea823bd6705873ed2f9993724dce4bf5e68f897a33422f4bd54dbc755b336c3b6be9b55757bfbcb9f3f0d1f54b731f3e3f72eff1924b2f2fd8dbdbef072310633f88b97f3f003668541b');
INSERT INTO public.curves VALUES (19, 'float64', 20, '\x78019bafb83179f189bcff0af752ae8b16841fc83ae96c579a7d75fbeebb1606998f246a835b374c9729282c966637155e3073566947884787dcefc22c43e1f545ea8c331adec8df3f133d73ab569940d471892bbc176c6c0fdead7ba9579de573e9564d9357b1e4bdf476c107ee7f744eca253f5db7acead42611058935facc0f3f1f3ffde8eceb6b8f1f5c7afeeed6e175773efe79670f06fbeded810888418cfd00953c515b');
INSERT INTO public.curves VALUES (20, 'float64', 20, '\x780101a0005fffcd97a70404ff768cca39dfd8bf21928f7ef3b2b589e19f47d8cf935186b737254d718718e0919eeeb705bda7fe74b9360d6ee2c1852b152e8c8173939ec96a67368e17ca96b77385e7d854079cc6611080c8b1eae52e751ddb4c2ae5ccbf0e8d641e8f38366860ad8313fd77fb6386222da952d670222b0cf3eae4c8f1e4ebedc0f6aff4f4e5ebe7e604e8d4bf3f3fbf3fbf3f3f3fbfbf3f3fbf3fbfbfc03f3f15305726');
INSERT INTO public.evaluations VALUES (1, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-27T11:14:46.608+00:00');
INSERT INTO public.evaluations VALUES (2, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-27T11:14:46.608+00:00');
INSERT INTO public.evaluations VALUES (3, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-27T11:14:46.608+00:00');
INSERT INTO public.evaluations VALUES (4, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-27T11:14:46.608+00:00');
INSERT INTO public.evaluations VALUES (5, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-27T11:14:46.608+00:00');
INSERT INTO public.evaluations VALUES (6, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-27T11:14:46.608+00:00');
INSERT INTO public.evaluations VALUES (7, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-27T11:14:46.640+00:00');
INSERT INTO public.evaluations VALUES (8, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-27T11:14:46.640+00:00');
INSERT INTO public.evaluations VALUES (9, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-27T11:14:46.734+00:00');
INSERT INTO public.evaluations VALUES (11, 'diverged', 'Infinity', 20, 0.25, 1, 1, 'node-1', 'CPU', 'loss was nan', '', '2026-11-27T11:14:46.734+00:00');
INSERT INTO public.evaluations VALUES (12, 'failed', 'Infinity', 0, 0.25, 1, 1, 'node-1', 'CPU', '', 'é
✓', '2026-11-27T11:14:46.748+00:00');
INSERT INTO public.evaluations VALUES (13, 'timed out', 'Infinity', 20, 0.25, 1, 1, 'node-1', 'CPU', 'timed out after 9 s', '', '2026-11-27T11:14:46.765+00:00');
INSERT INTO public.evaluations VALUES (15, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-27T11:14:46.838+00:00');
INSERT INTO public.evaluations VALUES (16, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-27T11:14:46.838+00:00');
INSERT INTO public.evaluations VALUES (17, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-27T11:14:46.838+00:00');
INSERT INTO public.evaluations VALUES (18, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-27T11:14:46.838+00:00');
INSERT INTO public.evaluations VALUES (19, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-27T11:14:46.838+00:00');
INSERT INTO public.evaluations VALUES (20, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-27T11:14:46.838+00:00');
INSERT INTO public.lodo_tune_version VALUES ('0004');
INSERT INTO public.observations VALUES (15, 'validation', '@evaluations', 'float64', 3, '\x78016360c0002a260c0e0e00025c00d9');
INSERT INTO public.observations VALUES (15, 'validation', '@seconds', 'float64', 3, '\x78016360c0000f3e30d8db030008f5024f');
INSERT INTO public.observations VALUES (15, 'validation', '@elapsed', 'float64', 3, '\x780163484b634043cfbe31d8db030050e30723');
INSERT INTO public.observations VALUES (15, 'validation', 'loss', 'float64', 3, '\x7801e315dd1c58272c9c6acae9bd78e9a4df2c8b259f3fb865bfdf1e006a250a2c');
INSERT INTO public.observations VALUES (15, 'validation', 'accuracy', 'float64', 3, '\x78013b676029b5ae94ad7086d1b6b75e1cef19f9984eddfc60bf7f3f007cbf0afb');
INSERT INTO public.observations VALUES (15, 'test', '@evaluations', 'float64', 1, '\x78016360000113070000b00075');
INSERT INTO public.observations VALUES (15, 'test', '@seconds', 'float64', 1, '\x7801636000811ff50002770178');
INSERT INTO public.observations VALUES (15, 'test', '@elapsed', 'float64', 1, '\x7801636000811ff50002770178');
INSERT INTO public.observations VALUES (15, 'test', 'loss', 'float64', 1, '\x7801636480000000100002');
INSERT INTO public.observations VALUES (16, 'validation', '@evaluations', 'float64', 3, '\x78016360c0002a260c0e0e00025c00d9');
INSERT INTO public.observations VALUES (16, 'validation', '@seconds', 'float64', 3, '\x78016360c0000f3e30d8db030008f5024f');
INSERT INTO public.observations VALUES (16, 'validation', '@elapsed', 'float64', 3, '\x780163484b634043cfbe31d8db030050e30723');
INSERT INTO public.observations VALUES (16, 'validation', 'loss', 'float64', 3, '\x7801dbf1a8b3c4f098876caffe27fb17b62cad5fde7cfc7f65bffd7e00a2460df0');
INSERT INTO public.observations VALUES (16, 'validation', 'accuracy', 'float64', 3, '\x7801011800e7ff8b57d09737fe40a2de0e920ad1f5b5216dc1abdffabf3fbfa5c80df4');
INSERT INTO public.observations VALUES (16, 'test', '@evaluations', 'float64', 1, '\x78016360000113070000b00075');
INSERT INTO public.observations VALUES (16, 'test', '@seconds', 'float64', 1, '\x7801636000811ff50002770178');
INSERT INTO public.observations VALUES (16, 'test', '@elapsed', 'float64', 1, '\x7801636000811ff50002770178');
INSERT INTO public.observations VALUES (16, 'test', 'loss', 'float64', 1, '\x7801636480000000100002');
INSERT INTO public.observations VALUES (17, 'validation', '@evaluations', 'float64', 3, '\x78016360c0002a260c0e0e00025c00d9');
INSERT INTO public.observations VALUES (17, 'validation', '@seconds', 'float64', 3, '\x78016360c0000f3e30d8db030008f5024f');
INSERT INTO public.observations VALUES (17, 'validation', '@elapsed', 'float64', 3, '\x780163484b634043cfbe31d8db030050e30723');
INSERT INTO public.observations VALUES (17, 'validation', 'loss', 'float64', 3, '\x7801011800e7ff77879e37bce8a85f45598bfc0cf4eea8ead6cee8eb3fbfbfb0d80f58');
INSERT INTO public.observations VALUES (17, 'validation', 'accuracy', 'float64', 3, '\x78018bb73c2ce49258d422edb85330d9364de360d2a7ddbff6efdf0f0075320b64');
INSERT INTO public.observations VALUES (17, 'test', '@evaluations', 'float64', 1, '\x78016360000113070000b00075');
INSERT INTO public.observations VALUES (17, 'test', '@seconds', 'float64', 1, '\x7801636000811ff50002770178');
INSERT INTO public.observations VALUES (17, 'test', '@elapsed', 'float64', 1, '\x7801636000811ff50002770178');
INSERT INTO public.observations VALUES (17, 'test', 'loss', 'float64', 1, '\x7801636480000000100002');
INSERT INTO public.observations VALUES (18, 'validation', '@evaluations', 'float64', 3, '\x78016360c0002a260c0e0e00025c00d9');
INSERT INTO public.observations VALUES (18, 'validation', '@seconds', 'float64', 3, '\x78016360c0000f3e30d8db030008f5024f');
INSERT INTO public.observations VALUES (18, 'validation', '@elapsed', 'float64', 3, '\x780163484b634043cfbe31d8db030050e30723');
INSERT INTO public.observations VALUES (18, 'validation', 'loss', 'float64', 3, '\x7801011800e7ffd680f161638b8ca7ac4c95c330b759cbe82aefe2debfbfbfb3a60f23');
INSERT INTO public.observations VALUES (18, 'validation', 'accuracy', 'float64', 3, '\x7801fbf377c5a583bcd5b1b59b4ddbbfadf0a83de8f2eed14ffbfdfb01bbbe0ef4');
INSERT INTO public.observations VALUES (18, 'test', '@evaluations', 'float64', 1, '\x78016360000113070000b00075');
INSERT INTO public.observations VALUES (18, 'test', '@seconds', 'float64', 1, '\x7801636000811ff50002770178');
INSERT INTO public.observations VALUES (18, 'test', '@elapsed', 'float64', 1, '\x7801636000811ff50002770178');
INSERT INTO public.observations VALUES (18, 'test', 'loss', 'float64', 1, '\x7801636480000000100002');
INSERT INTO public.observations VALUES (19, 'validation', '@evaluations', 'float64', 3, '\x78016360c0002a260c0e0e00025c00d9');
INSERT INTO public.observations VALUES (19, 'validation', '@seconds', 'float64', 3, '\x78016360c0000f3e30d8db030008f5024f');
INSERT INTO public.observations VALUES (19, 'validation', '@elapsed', 'float64', 3, '\x780163484b634043cfbe31d8db030050e30723');
INSERT INTO public.observations VALUES (19, 'validation', 'loss', 'float64', 3, '\x7801b3fce97bce354079d3c2bff78ba566773945e9ddfcb4c57eff7e009b1e0ced');
INSERT INTO public.observations VALUES (19, 'validation', 'accuracy', 'float64', 3, '\x78019b10346bc1736936b1f5f7fdc434aab6adffc2fee8c343fbfdfb018f500c9f');
INSERT INTO public.observations VALUES (19, 'test', '@evaluations', 'float64', 1, '\x78016360000113070000b00075');
INSERT INTO public.observations VALUES (19, 'test', '@seconds', 'float64', 1, '\x7801636000811ff50002770178');
INSERT INTO public.observations VALUES (19, 'test', '@elapsed', 'float64', 1, '\x7801636000811ff50002770178');
INSERT INTO public.observations VALUES (19, 'test', 'loss', 'float64', 1, '\x7801636480000000100002');
INSERT INTO public.observations VALUES (20, 'validation', '@evaluations', 'float64', 3, '\x78016360c0002a260c0e0e00025c00d9');
INSERT INTO public.observations VALUES (20, 'validation', '@seconds', 'float64', 3, '\x78016360c0000f3e30d8db030008f5024f');
INSERT INTO public.observations VALUES (20, 'validation', '@elapsed', 'float64', 3, '\x780163484b634043cfbe31d8db030050e30723');
INSERT INTO public.observations VALUES (20, 'validation', 'loss', 'float64', 3, '\x7801dbf0fdaa99566e94ceaaa0b6e36c8efa6beee8bffa7a79fffefd00982a0d35');
INSERT INTO public.observations VALUES (20, 'validation', 'accuracy', 'float64', 3, '\x7801e33537cf120a9b9b76adf2cad6c65e7ef5a28e075f2fedb7df0f007caa0bcb');
INSERT INTO public.observations VALUES (20, 'test', '@evaluations', 'float64', 1, '\x78016360000113070000b00075');
INSERT INTO public.observations VALUES (20, 'test', '@seconds', 'float64', 1, '\x7801636000811ff50002770178');
INSERT INTO public.observations VALUES (20, 'test', '@elapsed', 'float64', 1, '\x7801636000811ff50002770178');
INSERT INTO public.observations VALUES (20, 'test', 'loss', 'float64', 1, '\x7801636480000000100002');
INSERT INTO public.studies VALUES (4, 'own', 'Adam', 'own.py:Own', 'paper', 7, 2, 3, 3, '[200,200]', 16, 1, 'float64', '{"dimensions":2}', '{"name":"none"}', '{"optimizer":"Adam","hyperparameters":{"rate":{"scale":"log","default":0.1}}}', '{"numpy":"2.4.6"}', '{"cores":2,"gpus":[]}', 'interrupted', '2026-11-27T11:14:46.883+00:00', NULL, NULL, NULL, '[]', 1, NULL, NULL, NULL, 15, 1795778086.892318, 2009.018736832, NULL, 'search', '{"sigmas":[1.0,0.5]}', '{"metric":"training-loss","direction":"min","reduction":"mean","window":0.1}', '{"task":{"files":{"(main)":"abababababababababababababababababababababababababababababababab","helpers":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"},"numbers":null}}');
INSERT INTO public.studies VALUES (1, 'complete', 'Adam', 'rosenbrock', 'paper', 7, 2, 3, 3, '[200,200]', 16, 1, 'float64', '{"dimensions":2}', '{"name":"none"}', '{"optimizer":"Adam","hyperparameters":{"rate":{"scale":"log","default":0.1}}}', '{"numpy":"2.4.6"}', '{"cores":2,"gpus":[]}', 'complete', '2026-11-27T11:14:46.482+00:00', '2026-11-27T11:14:46.666+00:00', '{"rate":0.25}', '[-1.3862943611198906,-2.5]', '[]', 1, NULL, NULL, NULL, 15, 1795778086.508783, 2008.636225913, NULL, 'search', '{"sigmas":[1.0,0.5]}', '{"metric":"training-loss","direction":"min","reduction":"mean","window":0.1}', NULL);
INSERT INTO public.studies VALUES (2, 'interrupted', 'Adam', 'rosenbrock', 'paper', 7, 2, 3, 3, '[200,200]', 16, 1, 'float64', '{"dimensions":2}', '{"name":"none"}', '{"optimizer":"Adam","hyperparameters":{"rate":{"scale":"log","default":0.1}}}', '{"numpy":"2.4.6"}', '{"cores":2,"gpus":[]}', 'interrupted', '2026-11-27T11:14:46.673+00:00', NULL, NULL, NULL, '["a whole generation diverged"]', 1, NULL, NULL, NULL, 15, 1795778086.689785, 2008.816257206, NULL, 'search', '{"sigmas":[1.0,0.5]}', '{"metric":"training-loss","direction":"min","reduction":"mean","window":0.1}', NULL);
INSERT INTO public.studies VALUES (3, 'contest', 'Adam', 'rosenbrock', NULL, 7, 2, 3, NULL, '[200,200]', 16, 1, 'float64', '{"dimensions":2}', '{"name":"none"}', '{"optimizer":"Adam","hyperparameters":{"rate":{"scale":"log","default":0.1}}}', '{"numpy":"2.4.6"}', '{"cores":2,"gpus":[]}', 'complete', '2026-11-27T11:14:46.794+00:00', '2026-11-27T11:14:46.870+00:00', NULL, NULL, '[]', 1, NULL, NULL, NULL, 15, 1795778086.814452, 2008.940888993, '{"points":[{"hyperparameters":{"rate":0.30000000000000004},"settings":{"depth":0},"optimizer":null,"value":0.0},{"hyperparameters":{"rate":0.30000000000000004},"settings":{"depth":4},"optimizer":"Momentum","value":1.0}],"measurement":{"validate_every":10,"seconds":0.30000000000000004,"test_examples":null},"source":"tuned by run","sweep":"depth"}', 'comparison', NULL, '{"metric":"training-loss","direction":"min","reduction":"mean","window":0.1}', NULL);
SELECT pg_catalog.setval('public.attempts_id_seq', 19, true);
SELECT pg_catalog.setval('public.candidates_id_seq', 26, true);
SELECT pg_catalog.setval('public.studies_id_seq', 4, true);
ALTER TABLE ONLY public.lodo_tune_version
    ADD CONSTRAINT lodo_tune_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT pk_attempts PRIMARY KEY (id);
ALTER TABLE ONLY public.candidates
    ADD CONSTRAINT pk_candidates PRIMARY KEY (id);
ALTER TABLE ONLY public.curves
    ADD CONSTRAINT pk_curves PRIMARY KEY (candidate_id);
ALTER TABLE ONLY public.evaluations
    ADD CONSTRAINT pk_evaluations PRIMARY KEY (candidate_id);
ALTER TABLE ONLY public.observations
    ADD CONSTRAINT pk_observations PRIMARY KEY (candidate_id, split, name);
ALTER TABLE ONLY public.studies
    ADD CONSTRAINT pk_studies PRIMARY KEY (id);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT uq_attempts_candidate_id_epoch_number UNIQUE (candidate_id, epoch, number);
ALTER TABLE ONLY public.candidates
    ADD CONSTRAINT uq_candidates_study_id_role_generation_slot UNIQUE (study_id, role, generation, slot);
ALTER TABLE ONLY public.studies
    ADD CONSTRAINT uq_studies_run_optimizer UNIQUE (run, optimizer);
CREATE INDEX ix_candidates_study_id_role_status ON public.candidates USING btree (study_id, role, status);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT fk_attempts_candidate_id FOREIGN KEY (candidate_id) REFERENCES public.candidates(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.candidates
    ADD CONSTRAINT fk_candidates_study_id FOREIGN KEY (study_id) REFERENCES public.studies(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.curves
    ADD CONSTRAINT fk_curves_candidate_id FOREIGN KEY (candidate_id) REFERENCES public.candidates(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.evaluations
    ADD CONSTRAINT fk_evaluations_candidate_id FOREIGN KEY (candidate_id) REFERENCES public.candidates(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.observations
    ADD CONSTRAINT fk_observations_candidate_id FOREIGN KEY (candidate_id) REFERENCES public.candidates(id) ON DELETE CASCADE;
