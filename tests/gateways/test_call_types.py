"""Each call type of LiteLLM 1.106, and some that may come."""

import pytest

from portal.gateways.call_types import completes_nothing, is_about_batches, manages

GENERATING = """
    embedding completion text_completion image_generation image_edit moderation transcription speech rerank search
    decisions systemone pass_through_endpoint anthropic_messages run_thread run_thread_stream create_video
    video_generation video_remix video_edit video_extension vector_store_search ingest query create_interaction run_code
    code_interpreter_tool responses llm_passthrough_route generate_content generate_content_stream ocr send_message
"""
MANAGING = """
    create_batch retrieve_batch cancel_batch list_batches get_assistants create_assistants delete_assistant
    create_thread get_thread add_message get_messages file_retrieve file_delete file_list create_file file_content
    create_fine_tuning_job cancel_fine_tuning_job list_fine_tuning_jobs retrieve_fine_tuning_job
    video_retrieve video_content video_list video_retrieve_job video_delete video_create_character video_get_character
    vector_store_file_create vector_store_file_list vector_store_file_retrieve vector_store_file_content
    vector_store_file_update vector_store_file_delete vector_store_create vector_store_retrieve vector_store_list
    vector_store_update vector_store_delete create_container list_containers retrieve_container delete_container
    list_container_files upload_container_file create_sandbox delete_sandbox list_input_items get_responses
    delete_responses cancel_responses create_skill list_skills get_interaction count_tokens
"""


@pytest.mark.parametrize("name", GENERATING.split())
def test_calls_that_generate(name: str) -> None:
    assert not manages(name)
    assert not manages(f"a{name}")


@pytest.mark.parametrize("name", MANAGING.split())
def test_calls_that_read_or_manage(name: str) -> None:
    assert manages(name)
    assert manages(f"a{name}")
    assert manages(f"CallTypes.a{name}")


@pytest.mark.parametrize("name", ["", "_arealtime", "_aresponses_websocket", "a_new_kind", "call_mcp_tool", "acompact"])
def test_an_unknown_call_generates(name: str) -> None:
    assert not manages(name)


def test_other_spellings() -> None:
    assert manages("a_add_message")
    assert manages("list_mcp_tools")


def test_batches() -> None:
    assert all(map(is_about_batches, ("aretrieve_batch", "create_batch", "CallTypes.acancel_batch")))
    assert not any(map(is_about_batches, ("aget_responses", "alist_batches")))


def test_calls_without_a_completion() -> None:
    assert all(map(completes_nothing, ("aembedding", "rerank", "amoderation", "atranscription", "speech")))
    assert not completes_nothing("acompletion")
