"""The tests of `make test-thorough`: further cases of what a test of `make test` shows once, and what takes longest.

`make test` answers within minutes, so that it is run before each commit; what runs before a change lands is both.
"""

import re

# By file, without `test_`: the test, and which of its cases stay in `make test`, a regular expression for the text in
# brackets; None: no case.
THOROUGH = {
    "api/test_both_ways.py": {
        "a_comparison_of_a_search_and_one_of_the_defaults": None,
        "a_search_and_a_comparison_by_another_objective": None,
        "the_paper_s_protocol": None,
        "training_with_validation_into_a_folder_and_the_evaluation_of_it": None,
    },
    "api/test_connect.py": {
        "a_stream_of_which_there_is_enough_ends_with_its_next_line": None,
    },
    "api/test_own_optimizers.py": {
        "a_class_of_the_session_is_sent_to_the_workers_by_value": None,
    },
    "api/test_pruning.py": {
        "other_strategies_end_nothing_early": None,
    },
    "api/test_several_objectives.py": {
        "an_interrupted_search_goes_on_to_the_same_front": r"4",
        "tables_json_figures_and_the_report_show_the_front": None,
    },
    "api/test_task_arguments.py": {
        "a_comparison_trains_the_tuned_point_with_its_arguments": None,
        "a_space_written_in_python_is_that_of_the_file": None,
        "an_interrupted_search_goes_on_to_the_same_result": None,
        "the_candidates_are_those_that_the_task_computes_with_these_arguments": None,
    },
    "api/test_several_tasks.py": {
        "results_are_written_for_other_programs": None,
    },
    "checks/test_optimizers_check.py": {
        "our_optimizers_and_sound_ones_pass_every_check": r"Adam|Sound.*",
    },
    "checks/test_tasks_check.py": {
        "a_preset_gives_its_options_and_one_that_is_not_there_is_refused": None,
        "a_sound_task_passes_each_check_and_the_command_says_so": None,
    },
    "cli/test_compare.py": {
        "a_sweep_is_one_study_with_a_point_a_generation_of_which_each_trains_what_it_says": None,
        "its_runs_are_those_of_train_with_the_same_seeds_loss_by_loss": None,
    },
    "cli/test_keras_names.py": {
        "train_computes_on_as_many_threads_as_it_was_told_also_where_keras_was_asked_first": None,
    },
    "cli/test_own_code_on_ray.py": {
        "a_worker_with_other_data_than_the_driver_ends_the_search_in_one_line": None,
        "files_with_the_names_of_packages_do_not_disturb_workers": None,
        "the_seconds_of_a_step_are_measured_once_by_the_arguments_of_the_task": None,
    },
    "cli/test_own_optimizers.py": {
        "a_comparison_finds_the_optimizer_of_the_search_by_its_name_and_that_of_a_file": None,
        "a_derived_space_is_shown_before_the_search": None,
        "a_run_is_not_resumed_with_an_optimizer_whose_code_has_changed": None,
        "a_run_whose_driver_was_killed_is_resumed_with_the_optimizer_of_its_file": None,
        "keras_makes_the_tuned_optimizer_of_a_registered_class": None,
        "the_three_forms_of_one_rule_are_tuned_to_the_same_point": None,
        "workers_on_ray_import_the_file_and_give_the_rows_of_one_process": None,
    },
    "cli/test_poor_machines.py": {
        "a_search_finds_and_writes_the_same": None,
    },
    "cli/test_start_up.py": {
        "tensorflow_takes_onednns_kernels_in_every_process_of_ours_unless_the_user_says_otherwise": None,
    },
    "cli/test_surroundings.py": {
        "a_reader_that_leaves_does_not_prevent_the_files": None,
        "all_files_that_can_be_written_are_written": None,
        "another_backend_of_keras_is_not_used_and_said": None,
        "flags_of_xla_for_other_programs_end_nothing_change_nothing_and_are_said": None,
        "json_is_the_same_in_every_encoding": None,
        "progress_that_cannot_be_written_ends_nothing": None,
        "values_of_variables_for_which_tensorflow_ends_the_process_are_not_used_and_said": None,
        "what_a_users_code_prints_does_not_spoil_json": None,
    },
    "cli/test_train.py": {
        "a_run_is_interrupted_before_anything_is_begun_also_while_ray_starts": None,
        "lodos_depth_and_block_size_can_be_set": None,
        "what_a_task_raised_while_it_trained_is_told_in_its_own_words": None,
    },
    "cli/test_users_code.py": {
        "a_file_that_closes_a_stream_changes_nothing": None,
        "a_parser_at_the_top_of_a_file_sees_no_arguments_of_ours": None,
        "a_thread_that_goes_on_is_named_and_ctrl_c_ends_it_without_changing_the_exit_code": None,
        "output_below_pythons_print_does_not_spoil_json": r"arguments0",
        "output_of_an_optimizer_does_not_spoil_json": None,
    },
    "execution/test_executors.py": {
        "a_task_without_a_module_is_sent_to_each_worker": None,
        "each_of_three_hundred_candidates_has_exactly_one_evaluation": None,
        "running_out_of_memory_without_a_gpu_is_reported_unchanged": None,
        "the_conformance_suite_fails_only_on_broken_executors": r"SwapsLanes|OmitsAnEvaluation|ReturnsNan",
        "the_ray_executor_conforms_to_the_protocol": (
            r"(?!a_long|an_import|an_iterator_can|unusual|the_events|the_observations|invalid|training_that).*"
        ),
    },
    "execution/test_ray_faults.py": {
        "a_candidate_that_always_kills_its_worker_fails_alone": None,
        "a_cohort_that_hangs_times_out_as_a_whole": None,
        "a_cohort_whose_worker_crashes_once_is_repeated_as_a_whole": None,
        "a_crash_of_a_worker_fails_only_its_own_candidate": None,
        "a_worker_suspended_between_two_candidates_is_replaced": None,
        "evaluations_sent_before_a_worker_died_are_kept": None,
        "hanging_candidates_time_out_with_their_traceback_and_the_others_finish": None,
        "the_second_attempt_after_a_killed_worker_gives_the_same_result": r"SIGKILL.*",
    },
    "execution/test_ray_session.py": {
        "a_second_ctrl_c_while_ray_stops_leaves_no_process_or_folder": None,
    },
    "integrations/test_imported_searches.py": {
        "every_output_says_that_the_search_was_imported": None,
    },
    "integrations/test_ray_tune.py": {
        "a_saved_search_goes_on_as_if_it_had_not_been_interrupted": r"6",
        "it_finds_better_than_the_defaults_and_near_the_optimum": None,
    },
    "lodo/test_additions.py": {
        "a_lane_that_diverges_leaves_the_bits_of_the_other_alone": r"cosine_final|weight_decay|linear_final, w.*",
        "lodo_takes_its_schedule_on_the_initial_learning_rate": None,
        "schedules_are_those_of_keras": r"Adam-.*",
    },
    "lodo/test_keras_adapter.py": {
        "each_lane_takes_the_steps_of_keras_own_instance_with_its_values": r"Adam|SGD",
        "no_two_of_keras_optimizers_are_the_same_class_of_ours": None,
    },
    "lodo/test_lodo.py": {
        "a_network_beyond_the_cache_passes_on_the_same_numbers": r"0.5-\d+-True",
    },
    "lodo/test_lodo_keras.py": {
        "a_checkpoint_restores_the_state": None,
        "a_model_is_fitted": None,
        "a_saved_model_trains_on_bit_for_bit": None,
        "an_average_of_the_weights_is_kept": None,
        "compiled_and_uncompiled_training_agree": None,
        "each_step_is_the_functional_optimizers_bit_for_bit": r".*-float64",
        "loss_scaling_changes_nothing_but_rounding": None,
    },
    "lodo/test_optimizers.py": {
        "a_hundred_steps_follow_the_reference_in_every_lane": r"bowl-.*|rosenbrock-(?!LODO).*",
        "a_lane_that_diverges_leaves_the_others_as_they_are": r"(?!LODO-).*",
        "no_two_optimizers_behave_alike_on_the_bowl": None,
    },
    "lodo/test_quasi_newton.py": {
        "steps_that_do_not_move_change_nothing_for_the_steps_after_them": r"zeros0-.*",
    },
    "results/test_exported_additions.py": {
        "what_keras_makes_of_an_export_takes_our_steps": r"Adam-added0|RMSprop-added3",
    },
    "results/test_exports.py": {
        "keras_itself_takes_the_keras_exports_and_has_the_tuned_hyperparameters": None,
    },
    "results/test_figures_of_several_searches.py": {
        "every_figure_is_drawn_of_searches_of_which_some_have_no_result": None,
    },
    "results/test_figure_files.py": {
        "settings_of_matplotlib_for_other_programs_change_no_byte": r"nonsense.*",
    },
    "results/test_look.py": {
        "figures_of_a_search_fit_the_column_and_the_page_of_a_paper": r"3.3-.*",
    },
    "search_spaces/test_search_space_files.py": {
        "a_megabyte_of_anything_is_refused": r"a.n",
    },
    "service/test_faces.py": {
        "a_run_that_is_resumed_is_followed": None,
        "runs_that_were_submitted_by_the_command_line_and_by_python_are_followed_to_the_same_table": None,
    },
    "service/test_faces_that_read.py": {
        "a_cell_of_the_table_does_what_it_says": r"(?!draw figures-HTTP|write a report-(HTTP|Python)).*",
        "figures_with_a_style_of_this_machine_are_those_of_the_database": None,
    },
    "service/test_operation.py": {
        "a_service_that_is_ended_finishes_what_it_answers_and_its_streams": None,
        "a_service_that_is_terminated_hands_the_queue_over_and_leaves_nothing": None,
    },
    "service/test_pages_in_a_browser.py": {
        "a_user_checks_and_starts_a_comparison_of_a_search_from_its_page": None,
        "a_user_checks_starts_and_pauses_a_run_and_sees_it_in_the_queue": r"without scripts",
        "every_page_can_be_read_without_scripts": None,
        "every_page_fits_every_window_and_nothing_on_it_runs": r"light",
    },
    "service/test_shares.py": {
        "users_have_their_shares_and_start_within_a_cohort_where_another_has_many_runs": r"4-weights1",
    },
    "service/test_supervisor.py": {
        "a_run_that_is_stopped_or_cancelled_ends_and_its_results_stay": r".*stop",
    },
    "storage/test_outages.py": {
        "a_server_that_hangs_is_unreachable_and_what_it_was_sent_is_stored_once": None,
    },
    "storage/test_storage_processes.py": {
        "a_driver_suspended_past_its_lease_writes_nothing_after_resuming": r"file",
        "acknowledged_results_survive_a_killed_driver": r".*-3",
        "several_processes_can_create_and_fill_one_database_concurrently": r"file",
    },
    "strategies/test_genetic.py": {
        "any_search_ends_within_its_bounds": None,
        "it_finds_the_optimum_of_a_noisy_bowl_in_each_of_ten_searches": None,
    },
    "studies/test_compared_objectives.py": {
        "a_comparison_ranks_by_the_objective_of_the_search": None,
        "a_target_that_no_run_reaches_gives_no_ranking_and_no_gain_but_says_so": None,
        "the_profile_of_a_comparison_has_the_times_of_its_stored_validation": None,
    },
    "studies/test_driver_faults.py": {
        "a_comparison_whose_driver_was_killed_resumes_to_the_same_table": None,
        "a_search_whose_driver_was_killed_resumes_to_the_same_rows": r".*-5",
    },
    "studies/test_exact.py": {
        "an_optimizer_begins_alike_on_every_seed_unless_the_registry_says_that_it_draws": r"Adam|LODO-SGD",
    },
    "studies/test_fingerprints.py": {
        "a_file_besides_code_and_arrays_counts_as_far_as_it_changes_what_is_computed": None,
        "a_moved_task_is_found_again_and_its_rows_are_those_of_an_undisturbed_run": None,
        "a_run_is_resumed_where_nothing_but_comments_and_spaces_has_changed": None,
        "a_run_without_results_takes_the_task_as_it_is_now": None,
        "a_search_is_compared_in_another_precision_although_its_arrays_are_cast": None,
        "a_search_on_another_state_of_the_task_is_not_compared_unless_the_results_may_say_so": None,
        "a_task_that_has_changed_is_not_resumed_unless_the_results_may_say_so": None,
        "another_task_is_no_place_for_a_run_to_go_on": None,
        "relative_data_is_the_same_in_another_folder_or_refused": None,
        "show_and_the_report_tell_counts_and_fingerprints_of_data_of_ones_own": None,
        "what_was_trained_on_another_state_of_the_task_is_evaluated_with_a_remark": None,
    },
    "studies/test_objectives.py": {
        "an_accuracy_that_is_minimised_is_remarked": None,
        "resuming_keeps_the_objective": None,
        "the_budget_of_a_rung_is_the_budget_of_the_objective": None,
        "the_evaluations_to_a_training_loss_are_those_of_the_stored_curve_and_misses_come_after_by_nearness": None,
        "the_objective_is_named_and_its_direction_is_followed_wherever_results_are_shown": None,
        "the_objective_of_a_tasks_class_or_preset_holds_unless_another_is_requested": None,
        "the_seconds_to_a_target_are_those_of_the_run_that_trains_alone": None,
        "the_validation_accuracy_is_that_of_keras_evaluate_and_the_best_candidate_has_the_highest": None,
        "the_value_of_a_candidate_is_that_of_its_stored_validation": None,
    },
    "tasks/test_keras_features.py": {
        "steps_are_those_of_fit_and_validation_is_what_evaluate_gives": r"[^`]* 0|.*(policy|_weights).* 0",
    },
    "tasks/test_keras_fitting.py": {
        "what_does_not_belong_to_the_outputs_is_told_with_what_does": r"missing|short|deep weights|weights of examples",
    },
    "tasks/test_keras_mixing.py": {
        "what_measures_examples_independently_is_accepted": r"batch|zeros|one example",
        "what_mixes_examples_is_refused_however_it_hides": r"of many|gated|equal inputs|loss",
    },
    "tasks/test_keras_optimizers_fit.py": {
        "embeddings_and_variables_without_gradient_are_treated_as_in_fit": None,
    },
    "tasks/test_keras_starts.py": {
        "numbers_that_build_draws_and_no_weight_holds_are_refused": r"operation|nest|closure|adapted",
        "what_differs_between_models_that_compute_the_same_is_accepted": r"per object|shared",
    },
    "tasks/test_mnist.py": {
        "the_digits_are_mlxtends_shuffled_and_split_and_a_note_says_so": None,
    },
    "tasks/test_own_tasks_keras.py": {
        "a_task_from_a_model_passes_what_every_task_passes": r"(?!same-everywhere).*",
        "train_takes_a_model_from_a_file_and_a_run_is_the_same_twice": None,
    },
    "tasks/test_pixelcnn.py": {
        "gradient_descent_on_one_minibatch_lowers_its_loss": None,
    },
    "tasks/test_pixelcnn_evaluation.py": {
        "an_images_loss_is_the_mean_over_every_one_of_its_pixels": None,
        "smaller_digits_are_judged_likewise": r"14-1",
    },
    "tasks/test_resnet18.py": {
        "an_image_that_was_learnt_is_classified_correctly_in_evaluation": None,
        "evaluating_is_inference_on_the_chosen_images_by_the_moving_statistics": None,
        "statistics_survive_from_chunk_to_chunk": None,
    },
    "tasks/test_shared_memory.py": {
        "a_tensor_is_the_mapped_file_itself_and_not_a_copy": None,
    },
    "tasks/test_task_toys.py": {
        "the_bowl_is_the_same_to_the_last_bit_whatever_the_threads_of_the_process": None,
    },
    "tasks/test_tasks.py": {
        "a_sound_task_passes": r"(?!same-everywhere).*",
        "every_task_passes": r"(?!resnet18-cifar10-(?!attributes|evaluation)|pixelcnn-(?!gradient|attributes)).*",
        "the_suite_fails_a_broken_task": r"(?!.*-same-everywhere).*",
    },
    "tasks/test_tensorflow_settings.py": {
        "a_floatx_of_float16_in_keras_json_is_refused_and_not_trained_in": None,
        "a_setting_left_in_a_users_file_is_refused_with_the_call_that_leaves_it": None,
    },
    "test_recorded.py": {
        "a_run_gives_what_was_recorded_of_it": r"(?!train-rosenbrock).*",
        "a_run_that_was_interrupted_then_resumes_to_the_end_recorded": None,
    },
    "training/test_additions_in_training.py": {
        "additions_that_change_nothing_give_the_losses_of_the_optimizer_alone": r"float64",
        "optimizers_with_additions_pass_every_check": None,
        "the_average_of_constrained_weights_is_constrained": None,
    },
    "training/test_hessian_error.py": {
        "a_frozen_preconditioner_is_constant_and_training_begins_at_the_starting_point": None,
        "on_the_bowl_the_error_decreases_and_the_frozen_preconditioner_is_effective_from_the_start": None,
        "the_estimated_error_agrees_with_the_norm_of_the_dense_matrix": r"LODO",
        "tracking_does_not_change_the_losses": None,
    },
    "training/test_measurements.py": {
        "measurements_do_not_change_the_losses": r"rosenbrock.*",
        "the_error_of_the_preconditioner_is_measured_only_with_a_constant_hessian": None,
        "the_floor_of_the_bowl_is_newtons_mean_loss_halved_for_two_evaluations_per_step": None,
    },
    "training/test_memory.py": {
        "a_sweep_of_the_depth_is_refused_for_its_deepest_network": None,
        "an_optimizer_whose_state_does_not_fit_is_refused_before_the_search_with_the_sum": r"(?!Large-Momentum,LODO).*",
        "the_same_holds_for_a_task_that_ships": None,
        "the_size_is_that_of_the_state_itself": r"(?!LODO-).*",
        "the_upper_bound_of_a_state_is_the_least_whole_one": r"(?!LODO).*",
    },
    "training/test_training.py": {
        "a_cohort_equals_single_runs": r"Adam",
    },
}


def is_thorough(node_id: str) -> bool:
    """Return whether a test, such as "tests/core/test_text.py::test_it[case]", belongs to `make test-thorough`."""
    test, _, case = node_id.removeprefix("tests/").partition("[")
    file, _, name = test.partition("::test_")
    if name not in THOROUGH.get(file, {}):
        return False
    kept = THOROUGH[file][name]
    return kept is None or not re.fullmatch(kept, case.removesuffix("]"))
