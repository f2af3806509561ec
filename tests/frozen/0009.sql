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
CREATE TABLE public.audit (
    id integer NOT NULL,
    at character varying(32) NOT NULL,
    user_name character varying(64) NOT NULL,
    action character varying(32) NOT NULL,
    subject character varying(64) NOT NULL,
    detail text NOT NULL
);
CREATE SEQUENCE public.audit_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.audit_id_seq OWNED BY public.audit.id;
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
    CONSTRAINT ck_candidates_status CHECK (((status)::text = ANY ((ARRAY['waiting'::character varying, 'running'::character varying, 'finished'::character varying, 'diverged'::character varying, 'failed'::character varying, 'timed out'::character varying, 'pruned'::character varying])::text[])))
);
CREATE SEQUENCE public.candidates_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.candidates_id_seq OWNED BY public.candidates.id;
CREATE TABLE public.changes (
    study_id integer NOT NULL,
    number bigint NOT NULL
);
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
    CONSTRAINT ck_evaluations_status CHECK (((status)::text = ANY ((ARRAY['finished'::character varying, 'diverged'::character varying, 'failed'::character varying, 'timed out'::character varying, 'pruned'::character varying])::text[])))
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
CREATE TABLE public.outputs (
    candidate_id integer NOT NULL,
    text text NOT NULL
);
CREATE TABLE public.requests (
    id integer NOT NULL,
    run character varying(64) NOT NULL,
    submitted_by character varying(64) NOT NULL,
    is_private boolean NOT NULL,
    weight double precision NOT NULL,
    fields json NOT NULL,
    cost json NOT NULL,
    desired character varying(16) NOT NULL,
    state character varying(16) NOT NULL,
    reason text NOT NULL,
    expected_in double precision,
    created_at character varying(32) NOT NULL,
    changed_at character varying(32) NOT NULL,
    failures integer NOT NULL,
    not_before double precision,
    last_error text NOT NULL,
    granted integer NOT NULL,
    used integer NOT NULL,
    epoch integer NOT NULL,
    owner character varying(255),
    owner_machine character varying(128),
    owner_started bigint,
    lease_seconds double precision,
    renewed_at double precision,
    renewed_uptime double precision,
    number bigint NOT NULL
);
CREATE SEQUENCE public.requests_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.requests_id_seq OWNED BY public.requests.id;
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
    code json,
    further_tasks json
);
CREATE SEQUENCE public.studies_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.studies_id_seq OWNED BY public.studies.id;
CREATE TABLE public.supervisors (
    id integer NOT NULL,
    owner character varying(255) NOT NULL,
    owner_machine character varying(128),
    owner_started bigint,
    lease_seconds double precision NOT NULL,
    renewed_at double precision NOT NULL,
    renewed_uptime double precision NOT NULL
);
CREATE SEQUENCE public.supervisors_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.supervisors_id_seq OWNED BY public.supervisors.id;
CREATE TABLE public.tokens (
    id integer NOT NULL,
    user_name character varying(64) NOT NULL,
    sha256 character varying(64) NOT NULL,
    scopes json NOT NULL,
    weight double precision NOT NULL,
    note character varying(255) NOT NULL,
    created_at character varying(32) NOT NULL,
    created_by character varying(64) NOT NULL,
    expires_at character varying(32),
    last_used_at character varying(32),
    revoked_at character varying(32)
);
CREATE SEQUENCE public.tokens_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.tokens_id_seq OWNED BY public.tokens.id;
ALTER TABLE ONLY public.attempts ALTER COLUMN id SET DEFAULT nextval('public.attempts_id_seq'::regclass);
ALTER TABLE ONLY public.audit ALTER COLUMN id SET DEFAULT nextval('public.audit_id_seq'::regclass);
ALTER TABLE ONLY public.candidates ALTER COLUMN id SET DEFAULT nextval('public.candidates_id_seq'::regclass);
ALTER TABLE ONLY public.requests ALTER COLUMN id SET DEFAULT nextval('public.requests_id_seq'::regclass);
ALTER TABLE ONLY public.studies ALTER COLUMN id SET DEFAULT nextval('public.studies_id_seq'::regclass);
ALTER TABLE ONLY public.supervisors ALTER COLUMN id SET DEFAULT nextval('public.supervisors_id_seq'::regclass);
ALTER TABLE ONLY public.tokens ALTER COLUMN id SET DEFAULT nextval('public.tokens_id_seq'::regclass);
INSERT INTO public.attempts VALUES (1, 1, 1, 1, 'node-1', 17, '2026-11-28T14:59:55.919+00:00', '2026-11-28T14:59:56.070+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (2, 2, 1, 1, 'node-1', 17, '2026-11-28T14:59:55.937+00:00', '2026-11-28T14:59:56.070+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (3, 3, 1, 1, 'node-1', 17, '2026-11-28T14:59:55.956+00:00', '2026-11-28T14:59:56.070+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (4, 4, 1, 1, 'node-1', 17, '2026-11-28T14:59:55.983+00:00', '2026-11-28T14:59:56.070+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (5, 5, 1, 1, 'node-1', 17, '2026-11-28T14:59:55.993+00:00', '2026-11-28T14:59:56.070+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (6, 6, 1, 1, 'node-1', 17, '2026-11-28T14:59:56.009+00:00', '2026-11-28T14:59:56.070+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (7, 7, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.136+00:00', '2026-11-28T14:59:56.155+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (8, 8, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.136+00:00', '2026-11-28T14:59:56.155+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (10, 10, 1, 1, 'node-1', 17, '2026-11-28T14:59:56.280+00:00', '2026-11-28T14:59:56.312+00:00', 'lost', 'worker crashed', 'Traceback …');
INSERT INTO public.attempts VALUES (9, 9, 1, 1, 'node-1', 17, '2026-11-28T14:59:56.280+00:00', '2026-11-28T14:59:56.363+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (11, 11, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.330+00:00', '2026-11-28T14:59:56.363+00:00', 'diverged', 'loss was nan', '');
INSERT INTO public.attempts VALUES (12, 12, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.387+00:00', '2026-11-28T14:59:56.397+00:00', 'failed', '', 'é
✓');
INSERT INTO public.attempts VALUES (13, 13, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.420+00:00', '2026-11-28T14:59:56.434+00:00', 'timed out', 'timed out after 9 s', '');
INSERT INTO public.attempts VALUES (14, 15, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.565+00:00', '2026-11-28T14:59:56.603+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (15, 16, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.565+00:00', '2026-11-28T14:59:56.603+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (16, 17, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.565+00:00', '2026-11-28T14:59:56.603+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (17, 18, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.565+00:00', '2026-11-28T14:59:56.603+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (18, 19, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.565+00:00', '2026-11-28T14:59:56.603+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (19, 20, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.565+00:00', '2026-11-28T14:59:56.603+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (20, 27, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (21, 28, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (22, 29, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (23, 30, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (24, 31, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (25, 32, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (26, 33, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (27, 34, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (28, 35, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (29, 36, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (30, 37, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (31, 38, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (32, 39, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (33, 40, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (34, 41, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (35, 42, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (36, 43, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (37, 44, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (38, 45, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (39, 46, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (40, 47, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.852+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (41, 48, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.853+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (42, 49, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.853+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (43, 50, 1, 1, 'node-1', 0, '2026-11-28T14:59:56.853+00:00', '2026-11-28T14:59:56.891+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (44, 51, 1, 1, 'node-1', 0, '2026-11-28T14:59:57.131+00:00', '2026-11-28T14:59:57.150+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (45, 52, 1, 1, 'node-1', 0, '2026-11-28T14:59:57.131+00:00', '2026-11-28T14:59:57.150+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (46, 53, 1, 1, 'node-1', 0, '2026-11-28T14:59:57.277+00:00', '2026-11-28T14:59:57.291+00:00', 'finished', '', '');
INSERT INTO public.attempts VALUES (47, 54, 1, 1, 'node-1', 0, '2026-11-28T14:59:57.332+00:00', '2026-11-28T14:59:57.342+00:00', 'pruned', 'loss was 0.75', '');
INSERT INTO public.audit VALUES (1, '2026-11-28T14:59:57.000+00:00', 'ann', 'submit', 'submitted', '');
INSERT INTO public.audit VALUES (2, '2026-11-28T14:59:57.029+00:00', 'ann', 'pause', 'submitted', '');
INSERT INTO public.audit VALUES (3, '2026-11-28T14:59:57.043+00:00', 'operator', 'create token', 'ann', 'token 1: read, submit');
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
INSERT INTO public.candidates VALUES (27, 5, 'search', 0, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (28, 5, 'search', 0, 1, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (29, 5, 'search', 0, 2, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (30, 5, 'search', 1, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (31, 5, 'search', 1, 1, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (32, 5, 'search', 1, 2, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (33, 5, 'search', 2, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (34, 5, 'search', 2, 1, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (35, 5, 'search', 2, 2, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (36, 5, 'search', 3, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (37, 5, 'search', 3, 1, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (38, 5, 'search', 3, 2, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (39, 5, 'default', 0, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (40, 5, 'default', 0, 1, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (41, 5, 'default', 0, 2, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (42, 5, 'default', 1, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (43, 5, 'default', 1, 1, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (44, 5, 'default', 1, 2, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (45, 5, 'tuned', 0, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (46, 5, 'tuned', 0, 1, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (47, 5, 'tuned', 0, 2, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (48, 5, 'tuned', 1, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (49, 5, 'tuned', 1, 1, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (50, 5, 'tuned', 1, 2, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (51, 6, 'search', 0, 0, '[-2.3,8.0,9.0,9.0]', '{"rate":0.1,"layers":3,"act":"gelu","bias":true,"mode":"x"}', 5, 10, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (52, 6, 'search', 0, 1, '[-2.3,8.0,9.0,9.0]', '{"rate":1e-05,"layers":1,"act":"relu","bias":null,"mode":"x"}', 5, 10, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (55, 7, 'search', 0, 2, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'waiting', 0, 0);
INSERT INTO public.candidates VALUES (56, 7, 'search', 1, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'waiting', 0, 0);
INSERT INTO public.candidates VALUES (57, 7, 'search', 1, 1, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'waiting', 0, 0);
INSERT INTO public.candidates VALUES (58, 7, 'search', 1, 2, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'waiting', 0, 0);
INSERT INTO public.candidates VALUES (53, 7, 'search', 0, 0, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'finished', 1, 0);
INSERT INTO public.candidates VALUES (54, 7, 'search', 0, 1, '[-2.3025850929940455,-2.5]', '{"rate":0.1}', 5, 200, 'pruned', 1, 0);
INSERT INTO public.changes VALUES (1, 13);
INSERT INTO public.changes VALUES (2, 9);
INSERT INTO public.changes VALUES (3, 4);
INSERT INTO public.changes VALUES (4, 3);
INSERT INTO public.changes VALUES (5, 5);
INSERT INTO public.changes VALUES (6, 5);
INSERT INTO public.changes VALUES (7, 5);
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
INSERT INTO public.curves VALUES (27, 'float64', 20, '\x780101a0005fff41cc6df0ede63ca328bbfbe3837e7ef7d428f8938445b0d443d110bcafc8f40c2325e226a4d0c162dbbd6884e6cebd69da9c208b1a9d428c7dd4f0b689e9a4ec189526bcc19549c3bc8051f2d0029a7fedcf57bb345f2f7cff2addada95d40bb9143272217e87eda2424dd4e843ff1289901ef6e6a3e58aec0c0e4bae1d7f4eee6f4e3a502ccf3e7e1d4daf03fbf3f3fbf3f3f3fbfbfbf3fc0bfbfbfbfbf3f3f140e5c94');
INSERT INTO public.curves VALUES (28, 'float64', 20, '\x780101a0005fff9e87ed0d71a41a005ebd4b46ad60028d7d997f97e8425d17f8f5556c3706b80f7d6dcd076be0abf1348dd7d6a1d13a5f1e90875cfdd9555891a91da902844d42a46cb92f2e7cf832128b2cb3bdba6a4a177ac834f7bfc1aa39dc71ff90afbfdfe226bf025c60287261892cea6714f318ca888a7765faaa8cbaefeaf0e2ffd96205ff9302b2cbf39ff4ccd8f63fbfbfbfbf3f3fbfc03f3fc03f3f3f3fbf3fbfbf18a0542d');
INSERT INTO public.curves VALUES (29, 'float64', 20, '\x78016333704a38768eed0d67f8fedfd5969a0f5f5e69f9c67e5b61ae98e25d5ebe09df9b67f25ba759459c57f8f145d737be9ddfab2556b5774d9c76b7ff4c86956b04e5a67654b996e594559dab7e23779d277ae6d39f0fbfce5d7496c3fe68a6968cf8c4305eddc6c6bd8679fc33d88e1d74e35cb723a957ef64ffac5306d71e5ffb70e9e73ba6f9c7bf3cbbf5f4f5a68fdf3f7f5cb37fff7efbfdfb0f000920052501fe4d540a');
INSERT INTO public.curves VALUES (30, 'float64', 20, '\x78015b28cfc5fed9bd54e95d90feb72dd1d3bbdd65e6b76ccef833cdb3302851ffd1a609ebe30fe86c796bd9bb9be5e996cb2dda535696ecd8199aa9172c6fe1d9afa1d4937a7779efbf52e9606bcd8ddf3a0eb63e2de4ddf470f79ab41d2dea823bd6705873ed2f9993724dce4bf5e68f897a33422f4bd54dbc755b336c3b6be9b55757bfbcb9f3f0d1f54b731f3e3f72eff1924b2f2fd8dbdbef072310633f88b97f3f003668541b');
INSERT INTO public.curves VALUES (31, 'float64', 20, '\x78019bafb83179f189bcff0af752ae8b16841fc83ae96c579a7d75fbeebb1606998f246a835b374c9729282c966637155e3073566947884787dcefc22c43e1f545ea8c331adec8df3f133d73ab569940d471892bbc176c6c0fdead7ba9579de573e9564d9357b1e4bdf476c107ee7f744eca253f5db7acead42611058935facc0f3f1f3ffde8eceb6b8f1f5c7afeeed6e175773efe79670f06fbeded810888418cfd00953c515b');
INSERT INTO public.curves VALUES (32, 'float64', 20, '\x780101a0005fffcd97a70404ff768cca39dfd8bf21928f7ef3b2b589e19f47d8cf935186b737254d718718e0919eeeb705bda7fe74b9360d6ee2c1852b152e8c8173939ec96a67368e17ca96b77385e7d854079cc6611080c8b1eae52e751ddb4c2ae5ccbf0e8d641e8f38366860ad8313fd77fb6386222da952d670222b0cf3eae4c8f1e4ebedc0f6aff4f4e5ebe7e604e8d4bf3f3fbf3fbf3f3f3fbfbf3f3fbf3fbfbfc03f3f15305726');
INSERT INTO public.curves VALUES (33, 'float64', 20, '\x7801dbbb78c25dc9b479e2c1c61deb9a8a0d2db9e3a493f5acf39beaa7314ef761e1cd997de4fbbfb4a465160c6d4da29f66e6bd6d7167bfdbf2c7f1b376e189e26d1f8478bfdff763e75cdd39214bad5439708bb8f7b3a8450a331b76b145bfb2d62876e1e0661478da64b42bbfe3b4dfe5c3ff77783ce08e944b2dceb3ee3df1e016f39f4f575e5c7cf8fef2d59777773e7c7ce08dfdfefd07ecedf783d0fefd400c82001f6a4ff1');
INSERT INTO public.curves VALUES (34, 'float64', 20, '\x7801fbc1a813d8baa55ee767ee3e7d81d3ecdfaf4d91e12b31d00899fcc773e5be2d01e967445f0bb5365f7cbca33737eb4c90e1074f91aae9d27f754cfe1f775f5912fc76679545787c6feac1399bb2cef3dc14de907e3ec7969555dc5af1839b1c8bc47913d7ca58bd13c1ffd64474f5ee91fa742eec646c6ffa85a3d32eac3cf9ffddbfc71f2e7ef879f9f5e3bb5fdebefcf29e91d17ebf3d08404820bd7fbf830300f30951ff');
INSERT INTO public.curves VALUES (35, 'float64', 20, '\x78017b74e27c44948472f3bcba6b2f1f369a1c3273b75a73228f97eb408e99b1fcecbf1f4eff66dbac63132a73823930f6d1b1256ff3cfff5c78c9e4cd9b63aac2bb961b5abb6d76da657856d165b9b9ade7e54352ee5b32f719e75cd41378a1671277d834728a03b7b0e2566b21b64911b7ff4ee212e38a0d5c515517f98dcff5eeebd93fdefd3873edaef4db5faf7e1c60bcf8e3c76b7b20d80fc24000a41c403400d6a250cf');
INSERT INTO public.curves VALUES (36, 'float64', 20, '\x780101a0005fff16aaafacabae15a7889c962cfaf29683e7b1768b0b33ae6e005b7dc284e8219e1f0184ee0ea87d8d81084b3f8b4ad86e5544d8506f185c1d864955016782aa2abc167ccc55c563c0f1bb8b1a78b194bdcd00212b34b0eef5d38093809ca2e5e231ecf51d5372c22bf89828afaf95e6910060e102d888a5930004dae2dccb00cdeb0accd6d2e5f0d9deceeec940c03fbfbfbfc0bfbf403fbfbfbfbfbf3fbf3fbf4c2455e0');
INSERT INTO public.curves VALUES (37, 'float64', 20, '\x780101a0005fffc2a7ff7bde7d9ecd73b5ad5ed897b4f1d71df70f0d65dc85173ebadc564343ca5778de5d1fa2941650aff2af302e89996f46bc0bc0d301d2737a9d0263b623e42a814e52be3cf7775d76b221690edb919248e0fc42838b603627476d93ab119e17aafb12f95296ffb9f45638f37b4ddecdafed9ea9f925d391e0fde5d8cac100a1e6d3ebe1b2da77f4bac6f63fbfbf3f3fbf3f40bf3fbf3fbfbfbfbfbfbf3fbfff07596b');
INSERT INTO public.curves VALUES (38, 'float64', 20, '\x780101a0005fffb2daa01b93000bdb4577db2cbf071050bbdbaa371edb0e4c9233b6b785c951e85abf1f2ed98b4d9f2fcd455e3a31f2f0adea88fb3133816651b202ac5e5bbe91187df0e0d90444e2d81e641ab9d76daacd6131361bc51bfed3405e4dc0e7913cc188fbc372d05f53e030866905a340bacaae0666c6c5c9d1caf8ee8d66d6e4eae0deb9e1e5f6c5e2be02e8c73fbfbfbf3f3fbf3fbf3f3f3fbfbfbf3f3fc03fbfa3b05652');
INSERT INTO public.curves VALUES (39, 'float64', 20, '\x780101a0005fff41cc6df0ede63ca328bbfbe3837e7ef7d428f8938445b0d443d110bcafc8f40c2325e226a4d0c162dbbd6884e6cebd69da9c208b1a9d428c7dd4f0b689e9a4ec189526bcc19549c3bc8051f2d0029a7fedcf57bb345f2f7cff2addada95d40bb9143272217e87eda2424dd4e843ff1289901ef6e6a3e58aec0c0e4bae1d7f4eee6f4e3a502ccf3e7e1d4daf03fbf3f3fbf3f3f3fbfbfbf3fc0bfbfbfbfbf3f3f140e5c94');
INSERT INTO public.curves VALUES (40, 'float64', 20, '\x780101a0005fff9e87ed0d71a41a005ebd4b46ad60028d7d997f97e8425d17f8f5556c3706b80f7d6dcd076be0abf1348dd7d6a1d13a5f1e90875cfdd9555891a91da902844d42a46cb92f2e7cf832128b2cb3bdba6a4a177ac834f7bfc1aa39dc71ff90afbfdfe226bf025c60287261892cea6714f318ca888a7765faaa8cbaefeaf0e2ffd96205ff9302b2cbf39ff4ccd8f63fbfbfbfbf3f3fbfc03f3fc03f3f3f3fbf3fbfbf18a0542d');
INSERT INTO public.curves VALUES (41, 'float64', 20, '\x78016333704a38768eed0d67f8fedfd5969a0f5f5e69f9c67e5b61ae98e25d5ebe09df9b67f25ba759459c57f8f145d737be9ddfab2556b5774d9c76b7ff4c86956b04e5a67654b996e594559dab7e23779d277ae6d39f0fbfce5d7496c3fe68a6968cf8c4305eddc6c6bd8679fc33d88e1d74e35cb723a957ef64ffac5306d71e5ffb70e9e73ba6f9c7bf3cbbf5f4f5a68fdf3f7f5cb37fff7efbfdfb0f000920052501fe4d540a');
INSERT INTO public.curves VALUES (42, 'float64', 20, '\x78015b28cfc5fed9bd54e95d90feb72dd1d3bbdd65e6b76ccef833cdb3302851ffd1a609ebe30fe86c796bd9bb9be5e996cb2dda535696ecd8199aa9172c6fe1d9afa1d4937a7779efbf52e9606bcd8ddf3a0eb63e2de4ddf470f79ab41d2dea823bd6705873ed2f9993724dce4bf5e68f897a33422f4bd54dbc755b336c3b6be9b55757bfbcb9f3f0d1f54b731f3e3f72eff1924b2f2fd8dbdbef072310633f88b97f3f003668541b');
INSERT INTO public.curves VALUES (43, 'float64', 20, '\x78019bafb83179f189bcff0af752ae8b16841fc83ae96c579a7d75fbeebb1606998f246a835b374c9729282c966637155e3073566947884787dcefc22c43e1f545ea8c331adec8df3f133d73ab569940d471892bbc176c6c0fdead7ba9579de573e9564d9357b1e4bdf476c107ee7f744eca253f5db7acead42611058935facc0f3f1f3ffde8eceb6b8f1f5c7afeeed6e175773efe79670f06fbeded810888418cfd00953c515b');
INSERT INTO public.curves VALUES (44, 'float64', 20, '\x780101a0005fffcd97a70404ff768cca39dfd8bf21928f7ef3b2b589e19f47d8cf935186b737254d718718e0919eeeb705bda7fe74b9360d6ee2c1852b152e8c8173939ec96a67368e17ca96b77385e7d854079cc6611080c8b1eae52e751ddb4c2ae5ccbf0e8d641e8f38366860ad8313fd77fb6386222da952d670222b0cf3eae4c8f1e4ebedc0f6aff4f4e5ebe7e604e8d4bf3f3fbf3fbf3f3f3fbfbf3f3fbf3fbfbfc03f3f15305726');
INSERT INTO public.curves VALUES (45, 'float64', 20, '\x780101a0005fff41cc6df0ede63ca328bbfbe3837e7ef7d428f8938445b0d443d110bcafc8f40c2325e226a4d0c162dbbd6884e6cebd69da9c208b1a9d428c7dd4f0b689e9a4ec189526bcc19549c3bc8051f2d0029a7fedcf57bb345f2f7cff2addada95d40bb9143272217e87eda2424dd4e843ff1289901ef6e6a3e58aec0c0e4bae1d7f4eee6f4e3a502ccf3e7e1d4daf03fbf3f3fbf3f3f3fbfbfbf3fc0bfbfbfbfbf3f3f140e5c94');
INSERT INTO public.curves VALUES (46, 'float64', 20, '\x780101a0005fff9e87ed0d71a41a005ebd4b46ad60028d7d997f97e8425d17f8f5556c3706b80f7d6dcd076be0abf1348dd7d6a1d13a5f1e90875cfdd9555891a91da902844d42a46cb92f2e7cf832128b2cb3bdba6a4a177ac834f7bfc1aa39dc71ff90afbfdfe226bf025c60287261892cea6714f318ca888a7765faaa8cbaefeaf0e2ffd96205ff9302b2cbf39ff4ccd8f63fbfbfbfbf3f3fbfc03f3fc03f3f3f3fbf3fbfbf18a0542d');
INSERT INTO public.curves VALUES (47, 'float64', 20, '\x78016333704a38768eed0d67f8fedfd5969a0f5f5e69f9c67e5b61ae98e25d5ebe09df9b67f25ba759459c57f8f145d737be9ddfab2556b5774d9c76b7ff4c86956b04e5a67654b996e594559dab7e23779d277ae6d39f0fbfce5d7496c3fe68a6968cf8c4305eddc6c6bd8679fc33d88e1d74e35cb723a957ef64ffac5306d71e5ffb70e9e73ba6f9c7bf3cbbf5f4f5a68fdf3f7f5cb37fff7efbfdfb0f000920052501fe4d540a');
INSERT INTO public.curves VALUES (48, 'float64', 20, '\x78015b28cfc5fed9bd54e95d90feb72dd1d3bbdd65e6b76ccef833cdb3302851ffd1a609ebe30fe86c796bd9bb9be5e996cb2dda535696ecd8199aa9172c6fe1d9afa1d4937a7779efbf52e9606bcd8ddf3a0eb63e2de4ddf470f79ab41d2dea823bd6705873ed2f9993724dce4bf5e68f897a33422f4bd54dbc755b336c3b6be9b55757bfbcb9f3f0d1f54b731f3e3f72eff1924b2f2fd8dbdbef072310633f88b97f3f003668541b');
INSERT INTO public.curves VALUES (49, 'float64', 20, '\x78019bafb83179f189bcff0af752ae8b16841fc83ae96c579a7d75fbeebb1606998f246a835b374c9729282c966637155e3073566947884787dcefc22c43e1f545ea8c331adec8df3f133d73ab569940d471892bbc176c6c0fdead7ba9579de573e9564d9357b1e4bdf476c107ee7f744eca253f5db7acead42611058935facc0f3f1f3ffde8eceb6b8f1f5c7afeeed6e175773efe79670f06fbeded810888418cfd00953c515b');
INSERT INTO public.curves VALUES (50, 'float64', 20, '\x780101a0005fffcd97a70404ff768cca39dfd8bf21928f7ef3b2b589e19f47d8cf935186b737254d718718e0919eeeb705bda7fe74b9360d6ee2c1852b152e8c8173939ec96a67368e17ca96b77385e7d854079cc6611080c8b1eae52e751ddb4c2ae5ccbf0e8d641e8f38366860ad8313fd77fb6386222da952d670222b0cf3eae4c8f1e4ebedc0f6aff4f4e5ebe7e604e8d4bf3f3fbf3fbf3f3f3fbfbf3f3fbf3fbfbfc03f3f15305726');
INSERT INTO public.curves VALUES (51, 'float64', 0, '\x7801030000000001');
INSERT INTO public.curves VALUES (52, 'float64', 0, '\x7801030000000001');
INSERT INTO public.curves VALUES (53, 'float64', 20, '\x780101a0005fff41cc6df0ede63ca328bbfbe3837e7ef7d428f8938445b0d443d110bcafc8f40c2325e226a4d0c162dbbd6884e6cebd69da9c208b1a9d428c7dd4f0b689e9a4ec189526bcc19549c3bc8051f2d0029a7fedcf57bb345f2f7cff2addada95d40bb9143272217e87eda2424dd4e843ff1289901ef6e6a3e58aec0c0e4bae1d7f4eee6f4e3a502ccf3e7e1d4daf03fbf3f3fbf3f3f3fbfbfbf3fc0bfbfbfbfbf3f3f140e5c94');
INSERT INTO public.curves VALUES (54, 'float64', 2, '\x7801636040800f0feced01072d024f');
INSERT INTO public.evaluations VALUES (1, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.039+00:00');
INSERT INTO public.evaluations VALUES (2, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.039+00:00');
INSERT INTO public.evaluations VALUES (3, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.039+00:00');
INSERT INTO public.evaluations VALUES (4, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.039+00:00');
INSERT INTO public.evaluations VALUES (5, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.039+00:00');
INSERT INTO public.evaluations VALUES (6, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.039+00:00');
INSERT INTO public.evaluations VALUES (7, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.144+00:00');
INSERT INTO public.evaluations VALUES (8, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.144+00:00');
INSERT INTO public.evaluations VALUES (9, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.335+00:00');
INSERT INTO public.evaluations VALUES (11, 'diverged', 'Infinity', 20, 0.25, 1, 1, 'node-1', 'CPU', 'loss was nan', '', '2026-11-28T14:59:56.335+00:00');
INSERT INTO public.evaluations VALUES (12, 'failed', 'Infinity', 0, 0.25, 1, 1, 'node-1', 'CPU', '', 'é
✓', '2026-11-28T14:59:56.390+00:00');
INSERT INTO public.evaluations VALUES (13, 'timed out', 'Infinity', 20, 0.25, 1, 1, 'node-1', 'CPU', 'timed out after 9 s', '', '2026-11-28T14:59:56.423+00:00');
INSERT INTO public.evaluations VALUES (15, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.573+00:00');
INSERT INTO public.evaluations VALUES (16, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.573+00:00');
INSERT INTO public.evaluations VALUES (17, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.573+00:00');
INSERT INTO public.evaluations VALUES (18, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.573+00:00');
INSERT INTO public.evaluations VALUES (19, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.573+00:00');
INSERT INTO public.evaluations VALUES (20, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.573+00:00');
INSERT INTO public.evaluations VALUES (27, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (28, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (29, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (30, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (31, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (32, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (33, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (34, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (35, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (36, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (37, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (38, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (39, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (40, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (41, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (42, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (43, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (44, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (45, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (46, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (47, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (48, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (49, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (50, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:56.871+00:00');
INSERT INTO public.evaluations VALUES (51, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:57.133+00:00');
INSERT INTO public.evaluations VALUES (52, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:57.133+00:00');
INSERT INTO public.evaluations VALUES (53, 'finished', 0.5, 20, 0.25, 1, 1, 'node-1', 'CPU', '', '', '2026-11-28T14:59:57.279+00:00');
INSERT INTO public.evaluations VALUES (54, 'pruned', 'Infinity', 2, 0.25, 1, 1, 'node-1', 'CPU', 'loss was 0.75', '', '2026-11-28T14:59:57.336+00:00');
INSERT INTO public.lodo_tune_version VALUES ('0009');
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
INSERT INTO public.observations VALUES (51, 'validation', '@evaluations', 'float64', 3, '\x78016360c0002a260c0e0e00025c00d9');
INSERT INTO public.observations VALUES (51, 'validation', '@seconds', 'float64', 3, '\x78016360c0000f3e30d8db030008f5024f');
INSERT INTO public.observations VALUES (51, 'validation', '@elapsed', 'float64', 3, '\x780163484b634043cfbe31d8db030050e30723');
INSERT INTO public.observations VALUES (51, 'validation', 'loss', 'float64', 3, '\x7801e315dd1c58272c9c6acae9bd78e9a4df2c8b259f3fb865bfdf1e006a250a2c');
INSERT INTO public.observations VALUES (51, 'validation', 'accuracy', 'float64', 3, '\x78013b676029b5ae94ad7086d1b6b75e1cef19f9984eddfc60bf7f3f007cbf0afb');
INSERT INTO public.observations VALUES (51, 'test', '@evaluations', 'float64', 1, '\x78016360000113070000b00075');
INSERT INTO public.observations VALUES (51, 'test', '@seconds', 'float64', 1, '\x7801636000811ff50002770178');
INSERT INTO public.observations VALUES (51, 'test', '@elapsed', 'float64', 1, '\x7801636000811ff50002770178');
INSERT INTO public.observations VALUES (51, 'test', 'loss', 'float64', 1, '\x7801636480000000100002');
INSERT INTO public.observations VALUES (53, 'milestones', '@evaluations', 'float64', 1, '\x780163600003070000480041');
INSERT INTO public.observations VALUES (53, 'milestones', '@seconds', 'float64', 1, '\x7801636000811ff50002770178');
INSERT INTO public.observations VALUES (53, 'milestones', '@elapsed', 'float64', 1, '\x7801636000811ff50002770178');
INSERT INTO public.observations VALUES (53, 'milestones', 'fitness', 'float64', 1, '\x78016360008117f60002170128');
INSERT INTO public.observations VALUES (54, 'milestones', '@evaluations', 'float64', 1, '\x780163600003070000480041');
INSERT INTO public.observations VALUES (54, 'milestones', '@seconds', 'float64', 1, '\x7801636000811ff50002770178');
INSERT INTO public.observations VALUES (54, 'milestones', '@elapsed', 'float64', 1, '\x7801636000811ff50002770178');
INSERT INTO public.observations VALUES (54, 'milestones', 'fitness', 'float64', 1, '\x78016360008117f60002170128');
INSERT INTO public.outputs VALUES (51, 'epoch 1
✓
');
INSERT INTO public.requests VALUES (1, 'submitted', 'ann', true, 2, '{"task":["rosenbrock"],"optimizers":["Adam"],"steps":[100],"seed":3}', '{"studies":1,"candidates":48,"evaluations":4800,"width":2,"rounds":{"rosenbrock/Adam":480}}', 'pause', 'paused', 'pause requested', NULL, '2026-11-28T14:59:56.986+00:00', '2026-11-28T14:59:57.022+00:00', 0, NULL, '', 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, 1);
INSERT INTO public.studies VALUES (4, 'own', 'Adam', 'own.py:Own', 'paper', 7, 2, 3, 3, '[200,200]', 16, 1, 'float64', '{"dimensions":2}', '{"name":"none"}', '{"optimizer":"Adam","hyperparameters":{"rate":{"scale":"log","default":0.1}}}', '{"numpy":"2.4.6"}', '{"cores":2,"gpus":[]}', 'interrupted', '2026-11-28T14:59:56.644+00:00', NULL, NULL, NULL, '[]', 1, NULL, NULL, NULL, 15, 1795877996.680663, 58453.369705335, NULL, 'search', '{"sigmas":[1.0,0.5]}', '{"metric":"training-loss","direction":"min","reduction":"mean","window":0.1}', '{"task":{"files":{"(main)":"abababababababababababababababababababababababababababababababab","helpers":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"},"numbers":null}}', NULL);
INSERT INTO public.studies VALUES (1, 'complete', 'Adam', 'rosenbrock', 'paper', 7, 2, 3, 3, '[200,200]', 16, 1, 'float64', '{"dimensions":2}', '{"name":"none"}', '{"optimizer":"Adam","hyperparameters":{"rate":{"scale":"log","default":0.1}}}', '{"numpy":"2.4.6"}', '{"cores":2,"gpus":[]}', 'complete', '2026-11-28T14:59:55.797+00:00', '2026-11-28T14:59:56.180+00:00', '{"rate":0.25}', '[-1.3862943611198906,-2.5]', '[]', 1, NULL, NULL, NULL, 15, 1795877995.855389, 58452.544659299, NULL, 'search', '{"sigmas":[1.0,0.5]}', '{"metric":"training-loss","direction":"min","reduction":"mean","window":0.1}', NULL, NULL);
INSERT INTO public.studies VALUES (6, 'function', 'train', 'own.py:train', 'genetic', 7, 2, 2, 3, '[10,10]', 1, 1, NULL, '{}', NULL, '{"optimizer":"train","hyperparameters":{"rate":{"scale":"log","default":0.001},"layers":{"scale":"integer","default":2,"low":1,"high":3},"act":{"scale":"choice","default":"relu","values":["relu","gelu"]},"bias":{"scale":"choice","default":false,"values":[false,true],"only_when":{"act":["gelu"]}}},"fixed":{"mode":"x"}}', '{"numpy":"2.4.6"}', '{"cores":2,"gpus":[]}', 'interrupted', '2026-11-28T14:59:57.054+00:00', NULL, '{"rate":1e-05,"layers":1,"act":"relu","bias":null,"mode":"x"}', '[-11.5,2.0,3.0,3.0]', '[]', 1, NULL, NULL, NULL, 15, 1795877997.079422, 58453.768480789, NULL, 'search', '{"sigmas":[1.0,0.5]}', '{"metric":"validation.loss","direction":"min","reduction":"end","window":null}', '{"function":{"files":{"(main)":"efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef"}}}', NULL);
INSERT INTO public.studies VALUES (2, 'interrupted', 'Adam', 'rosenbrock', 'paper', 7, 2, 3, 3, '[200,200]', 16, 1, 'float64', '{"dimensions":2}', '{"name":"none"}', '{"optimizer":"Adam","hyperparameters":{"rate":{"scale":"log","default":0.1}}}', '{"numpy":"2.4.6"}', '{"cores":2,"gpus":[]}', 'interrupted', '2026-11-28T14:59:56.219+00:00', NULL, NULL, NULL, '["a whole generation diverged"]', 1, NULL, NULL, NULL, 15, 1795877996.243716, 58452.934364743, NULL, 'search', '{"sigmas":[1.0,0.5]}', '{"metric":"training-loss","direction":"min","reduction":"mean","window":0.1}', NULL, NULL);
INSERT INTO public.studies VALUES (5, 'both', 'Adam', 'rosenbrock', 'paper', 7, 2, 3, 3, '[200,200]', 16, 1, 'float64', '{"dimensions":2}', '{"name":"none"}', '{"optimizer":"Adam","hyperparameters":{"rate":{"scale":"log","default":0.1}}}', '{"numpy":"2.4.6"}', '{"cores":2,"gpus":[]}', 'complete', '2026-11-28T14:59:56.739+00:00', '2026-11-28T14:59:56.942+00:00', '{"rate":0.25}', '[-1.3862943611198906,-2.5]', '[]', 1, NULL, NULL, NULL, 15, 1795877996.778837, 58453.468040396, NULL, 'search', '{"sigmas":[1.0,0.5]}', '{"metric":"training-loss","direction":"min","reduction":"mean","window":0.1}', NULL, '[{"task":"noisy-quadratic-bowl","objective":{"metric":"training-loss","direction":"min","reduction":"mean","window":0.1},"steps":[100,400],"cohort_size":1,"options":{"dimensions":3},"data":null,"code":null}]');
INSERT INTO public.studies VALUES (3, 'contest', 'Adam', 'rosenbrock', NULL, 7, 2, 3, NULL, '[200,200]', 16, 1, 'float64', '{"dimensions":2}', '{"name":"none"}', '{"optimizer":"Adam","hyperparameters":{"rate":{"scale":"log","default":0.1}}}', '{"numpy":"2.4.6"}', '{"cores":2,"gpus":[]}', 'complete', '2026-11-28T14:59:56.487+00:00', '2026-11-28T14:59:56.625+00:00', NULL, NULL, '[]', 1, NULL, NULL, NULL, 15, 1795877996.51227, 58453.201412869, '{"points":[{"hyperparameters":{"rate":0.30000000000000004},"settings":{"depth":0},"optimizer":null,"value":0.0},{"hyperparameters":{"rate":0.30000000000000004},"settings":{"depth":4},"optimizer":"Momentum","value":1.0}],"measurement":{"validate_every":10,"seconds":0.30000000000000004,"test_examples":null},"source":"tuned by run","sweep":"depth"}', 'comparison', NULL, '{"metric":"training-loss","direction":"min","reduction":"mean","window":0.1}', NULL, NULL);
INSERT INTO public.studies VALUES (7, 'pruned', 'Adam', 'rosenbrock', 'genetic', 7, 2, 3, 3, '[200,200]', 16, 1, 'float64', '{"dimensions":2}', '{"name":"none"}', '{"optimizer":"Adam","hyperparameters":{"rate":{"scale":"log","default":0.1}}}', '{"numpy":"2.4.6"}', '{"cores":2,"gpus":[]}', 'interrupted', '2026-11-28T14:59:57.192+00:00', NULL, NULL, NULL, '[]', 1, NULL, NULL, NULL, 15, 1795877997.217136, 58453.908275412, NULL, 'search', '{"sigmas":[1.0,1.0],"pruning":1.5}', '{"metric":"training-loss","direction":"min","reduction":"mean","window":0.1}', NULL, NULL);
INSERT INTO public.tokens VALUES (1, 'ann', 'abababababababababababababababababababababababababababababababab', '["read","submit"]', 2, '', '2026-11-28T14:59:57.038+00:00', 'operator', NULL, NULL, NULL);
SELECT pg_catalog.setval('public.attempts_id_seq', 47, true);
SELECT pg_catalog.setval('public.audit_id_seq', 3, true);
SELECT pg_catalog.setval('public.candidates_id_seq', 58, true);
SELECT pg_catalog.setval('public.requests_id_seq', 1, true);
SELECT pg_catalog.setval('public.studies_id_seq', 7, true);
SELECT pg_catalog.setval('public.supervisors_id_seq', 1, false);
SELECT pg_catalog.setval('public.tokens_id_seq', 1, true);
ALTER TABLE ONLY public.lodo_tune_version
    ADD CONSTRAINT lodo_tune_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT pk_attempts PRIMARY KEY (id);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT pk_audit PRIMARY KEY (id);
ALTER TABLE ONLY public.candidates
    ADD CONSTRAINT pk_candidates PRIMARY KEY (id);
ALTER TABLE ONLY public.changes
    ADD CONSTRAINT pk_changes PRIMARY KEY (study_id);
ALTER TABLE ONLY public.curves
    ADD CONSTRAINT pk_curves PRIMARY KEY (candidate_id);
ALTER TABLE ONLY public.evaluations
    ADD CONSTRAINT pk_evaluations PRIMARY KEY (candidate_id);
ALTER TABLE ONLY public.observations
    ADD CONSTRAINT pk_observations PRIMARY KEY (candidate_id, split, name);
ALTER TABLE ONLY public.outputs
    ADD CONSTRAINT pk_outputs PRIMARY KEY (candidate_id);
ALTER TABLE ONLY public.requests
    ADD CONSTRAINT pk_requests PRIMARY KEY (id);
ALTER TABLE ONLY public.studies
    ADD CONSTRAINT pk_studies PRIMARY KEY (id);
ALTER TABLE ONLY public.supervisors
    ADD CONSTRAINT pk_supervisors PRIMARY KEY (id);
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT pk_tokens PRIMARY KEY (id);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT uq_attempts_candidate_id_epoch_number UNIQUE (candidate_id, epoch, number);
ALTER TABLE ONLY public.candidates
    ADD CONSTRAINT uq_candidates_study_id_role_generation_slot UNIQUE (study_id, role, generation, slot);
ALTER TABLE ONLY public.requests
    ADD CONSTRAINT uq_requests_run UNIQUE (run);
ALTER TABLE ONLY public.studies
    ADD CONSTRAINT uq_studies_run_optimizer UNIQUE (run, optimizer);
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT uq_tokens_sha256 UNIQUE (sha256);
CREATE INDEX ix_candidates_study_id_role_status ON public.candidates USING btree (study_id, role, status);
CREATE INDEX ix_requests_state ON public.requests USING btree (state);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT fk_attempts_candidate_id FOREIGN KEY (candidate_id) REFERENCES public.candidates(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.candidates
    ADD CONSTRAINT fk_candidates_study_id FOREIGN KEY (study_id) REFERENCES public.studies(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.changes
    ADD CONSTRAINT fk_changes_study_id FOREIGN KEY (study_id) REFERENCES public.studies(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.curves
    ADD CONSTRAINT fk_curves_candidate_id FOREIGN KEY (candidate_id) REFERENCES public.candidates(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.evaluations
    ADD CONSTRAINT fk_evaluations_candidate_id FOREIGN KEY (candidate_id) REFERENCES public.candidates(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.observations
    ADD CONSTRAINT fk_observations_candidate_id FOREIGN KEY (candidate_id) REFERENCES public.candidates(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.outputs
    ADD CONSTRAINT fk_outputs_candidate_id FOREIGN KEY (candidate_id) REFERENCES public.candidates(id) ON DELETE CASCADE;
