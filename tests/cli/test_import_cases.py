"""Files of public bug reports and of their sources' documentation, with what the provider billed for them."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow  # type: ignore[import-untyped]
import pytest
from pyarrow import parquet
from sqlalchemy import select

from portal.db.metering.gateways import all_gateways
from portal.db.people.keys import add_key
from portal.db.sql.session import Database, run_in_reading
from portal.db.tables import Account, UncountedDaily, UsageEvent
from tests.cast import NOW, create_member, run
from tests.cli.terminal import portal, succeed
from tests.cli.test_import_usage import table

CASES = Path(__file__).parents[1] / "data" / "cases" / "files"
KEY = "f460cddecb9f59c630af71139880f62a9af76fbedff770a07e5a66286be42961"
"""The digest of the key in the cases."""

Write = Callable[[str, str], str]
Stored = list[tuple[int, int, int, int, str]]


@pytest.fixture
def mara(db: Database) -> Account:
    """An account with the key of the cases."""
    account = create_member("mara")
    run(add_key, account.id, KEY, "moe-sk-case00000", "laptop", None, NOW)
    return account


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Give a function that writes a text to a file of a name; return the path."""

    def to_file(name: str, text: str) -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return to_file


def stored() -> Stored:
    """Return prompt, completion, cached and reasoning tokens and the status of the stored events, the largest first."""
    wanted = select(
        UsageEvent.prompt_tokens,
        UsageEvent.completion_tokens,
        UsageEvent.cached_tokens,
        UsageEvent.reasoning_tokens,
        UsageEvent.status,
    ).order_by(UsageEvent.prompt_tokens.desc(), UsageEvent.status.desc())
    return run_in_reading(lambda session: [tuple(row) for row in session.execute(wanted)])  # type: ignore[misc]


def billed(*words: str) -> list[int]:
    """Import a file twice, all rows of which are accepted; return the billable tokens of each, the largest first."""
    done = portal("import", "usage", *words)
    assert done.exit_code == 0, done.output
    first = [event[0] + event[1] for event in stored()]
    again = portal("import", "usage", *words, "--again")
    assert table(again.stdout)[0][0] == 0, again.output
    assert [event[0] + event[1] for event in stored()] == first
    assert portal("verify").exit_code == 0
    return first


def refused(*words: str) -> str:
    """Import a file that has to be asked about; return the question. Nothing is stored."""
    done = portal("--quiet", "import", "usage", *words)
    assert done.exit_code == 1, done.output
    assert run(all_gateways) == []
    return done.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(
            ("08-devproxy.csv", "--set", "username=mara", "--set", "model=gpt-5"),
            [(200, 100, 50, 0, "ok"), (150, 75, 0, 0, "ok"), (0, 0, 0, 0, "429")],
            id="an error with empty counts spent nothing",
        ),
        pytest.param(
            ("09-cursor.csv",),
            [(21_040, 300, 20_000, 0, "ok"), (1900, 90, 1200, 0, "ok")],
            id="Cursor's four columns are disjoint",
        ),
        pytest.param(("10-short-cache-columns.csv",), [(9415, 300, 9000, 0, "ok")], id="short names of caches"),
        pytest.param(
            ("11-openrouter-activity.csv",), [(150, 250, 120, 0, "ok"), (100, 200, 0, 50, "ok")], id="OpenRouter"
        ),
        pytest.param(
            ("12-german-excel.csv",), [(1234, 567, 0, 0, "ok"), (12, 5, 0, 0, "ok")], id="German numbers, guessed"
        ),
        pytest.param(
            ("12-german-excel.csv", "--locale", "de", "--timezone", "Europe/Berlin"),
            [(1234, 567, 0, 0, "ok"), (12, 5, 0, 0, "ok")],
            id="German numbers, given",
        ),
        pytest.param(
            ("12b-us-thousands.csv",), [(1234, 567, 0, 0, "ok"), (12, 5, 0, 0, "ok")], id="US numbers, guessed"
        ),
        pytest.param(
            ("12b-us-thousands.csv", "--locale", "en"),
            [(1234, 567, 0, 0, "ok"), (12, 5, 0, 0, "ok")],
            id="US numbers, given",
        ),
        pytest.param(("13-langfuse-blob.jsonl",), [(500, 50, 200, 10, "ok")], id="Langfuse's nested counts"),
        pytest.param(
            ("14-litellm-daily-export.csv", "--set", "username=mara", "--aggregates"),
            [(10_000, 2000, 0, 0, "ok")],
            id="LiteLLM's days, as was decided",
        ),
        pytest.param(
            ("43-anthropic-console.csv", "--set", "username=mara", "--aggregates"),
            [(963_000, 17_000, 900_000, 0, "ok")],
            id="Anthropic's console, as was decided",
        ),
        pytest.param(("40-user-email.csv",), [(100, 5, 0, 0, "ok")] * 2, id="people by email"),
        pytest.param(
            ("41-litellm-spendlogs-retrieve.csv",),
            [(120, 400, 0, 0, "ok"), (30, 5, 0, 0, "ok")],
            id="what reads an answer repeats its usage",
        ),
    ],
)
def test_case_is_imported_with_the_billed_counts(words: tuple[str, ...], expected: Stored, mara: Account) -> None:
    billed(str(CASES / words[0]), *words[1:])
    assert stored() == expected


def test_columns_are_added_as_a_person_says(mara: Account) -> None:
    prompt = "+".join(
        f"usage_input_tokens_{part}" for part in ("no_cache", "cache_write_5m", "cache_write_1h", "cache_read")
    )
    mapped = {"prompt_tokens": prompt, "completion_tokens": "usage_output_tokens", "username": "api_key"}
    options = [word for name, column in mapped.items() for word in ("--map", f"{name}={column}")]
    words = [str(CASES / "43-anthropic-console.csv"), *options, "--timezone", "UTC"]
    assert "sum of a day" in refused(*words)
    create_member("lap")
    assert billed(*words, "--aggregates") == [980_000]


@pytest.mark.parametrize(
    ("case", "question"),
    [
        ("14-litellm-daily-export.csv", "Requests is up to 42. Say --aggregates"),
        ("43-anthropic-console.csv", "A row is the sum of a day, a model and a key. Say --aggregates"),
    ],
)
def test_rows_of_several_requests_are_asked_about(case: str, question: str, mara: Account) -> None:
    assert question in refused(str(CASES / case), "--set", "username=mara")


def test_polls_are_counted_as_replays(mara: Account) -> None:
    done = portal("import", "usage", str(CASES / "41-litellm-spendlogs-retrieve.csv"))
    assert table(done.stdout) == [[2, 0, 0, 0, 0, 2]]
    assert "2 skipped, the first is row 2: replays, which repeat the usage of an earlier call" in done.stderr
    assert run_in_reading(lambda session: list(session.scalars(select(UncountedDaily.replays)))) == [2]


def test_poll_of_a_live_batch_in_a_file_is_the_same_request(write: Write, mara: Account) -> None:
    head = (
        "request_id,call_type,api_key,spend,total_tokens,prompt_tokens,completion_tokens,startTime,endTime,model,user"
    )
    polls = [f"batch_q,aretrieve_batch,{KEY},0,35,30,5,2026-11-19 12:5{n}:00,2026-11-19 12:5{n}:01,," for n in range(3)]
    file = write("logs.csv", "\n".join([head, *polls]))
    assert table(succeed("import", "usage", file)) == [[1, 2, 0, 0, 0, 0]]
    assert run_in_reading(lambda s: list(s.scalars(select(UsageEvent.external_id)))) == ["batch/batch_q"]


PLAIN = "timestamp,user,model,prompt_tokens,completion_tokens"
AT = "2026-11-20T09:05:00Z"
SPEND = (
    "request_id,call_type,api_key,total_tokens,prompt_tokens,completion_tokens,startTime,endTime,model,metadata,status"
)


@pytest.mark.parametrize(
    ("name", "text", "words", "expected"),
    [
        pytest.param(
            "spend.csv",
            f'{SPEND}\nr,acompletion,{KEY},60,40,20,2026-11-20 09:05:00,2026-11-20 09:05:01,c,"{{""usage_object"":'
            '{""prompt_tokens"":40,""completion_tokens"":20,""cache_read_input_tokens"":900,'
            '""cache_creation_input_tokens"":100}}",success\n',
            (),
            [1060],
            id="LiteLLM, details larger than the prompt",
        ),
        pytest.param(
            "spend.csv",
            f"{SPEND}\nr,aimage_generation,{KEY},0,0,0,2026-11-20 09:05:00,2026-11-20 09:05:01,dall-e,{{}},success\n",
            (),
            [0],
            id="LiteLLM, an image",
        ),
        pytest.param(
            "personal.csv",
            "Date,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,"
            'Total Tokens,Requests\n"2026-11-21T09:00:00.000Z","Errored, No Charge","gpt-5","No","","","","","","0"\n'
            '"2026-11-21T09:00:01.000Z","Included","gpt-5","No","5","6","7","8","26","1.4"\n',
            ("--set", "username=mara"),
            [26, 0],
            id="Cursor, of one person, with an error",
        ),
        pytest.param(
            "activity.csv",
            "generation_id,created_at,tokens_prompt,tokens_completion,native_tokens_prompt,native_tokens_completion,"
            "model_permaslug,user,cancelled\ng,2026-11-20 02:37:51.271,90,180,100,200,x/y,mara,true\n",
            (),
            [300],
            id="OpenRouter, native counts are billed",
        ),
        pytest.param(
            "usage.json",
            json.dumps({"object": "page", "has_more": False, "data": [
                {"object": "bucket", "start_time": 1_795_000_000, "end_time": 1_795_000_060, "results": [
                    {"object": "organization.usage.completions.result", "input_tokens": 1000, "output_tokens": 500,
                     "input_cached_tokens": 800, "input_audio_tokens": 0, "output_audio_tokens": 0,
                     "num_model_requests": 1, "user_email": "mara@example.org", "model": "gpt-5", "user_id": "user-1"},
                ]},
                {"object": "bucket", "start_time": 1_795_000_060, "end_time": 1_795_000_120, "results": []},
            ]}, indent=2),
            (),
            [1500],
            id="OpenAI's usage API, pretty-printed",
        ),
        pytest.param(
            "report.json",
            json.dumps({"data": [{"starting_at": "2026-11-20T00:00:00Z", "ending_at": "2026-11-21T00:00:00Z",
                "results": [{"uncached_input_tokens": 15, "cache_creation": {"ephemeral_1h_input_tokens": 10,
                "ephemeral_5m_input_tokens": 5}, "cache_read_input_tokens": 200, "output_tokens": 50,
                "server_tool_use": {"web_search_requests": 10}, "model": "claude-y", "api_key_id": "apikey_1"}]}]}),
            ("--set", "username=mara", "--aggregates"),
            [280],
            id="Anthropic's Admin API, on one line",
        ),
        pytest.param(
            "observations.csv",
            'id,traceId,type,startTime,endTime,model,userId,input,output,usageDetails,costDetails,level\n'
            'o,t,GENERATION,2026-11-20 09:00:00.000,2026-11-20 09:00:02.000,m,mara,"What is 1+1?",2,'
            '"{""input"":30,""output"":2,""input_cached_tokens"":8,""total"":40}","{""input"":3}",ERROR\n',
            (),
            [40],
            id="Langfuse as CSV",
        ),
        pytest.param(
            "helicone.jsonl",
            json.dumps({"request_id": "h1", "request_created_at": "2026-11-20T09:00:00", "request_model": "gpt-5",
                        "prompt_tokens": 30, "completion_tokens": 4, "total_tokens": 34, "request_user_id": "mara",
                        "response_status": 200, "delay_ms": 900, "prompt_cache_read_tokens": 10}),
            (),
            [34],
            id="Helicone",
        ),
        pytest.param(
            "responses.jsonl",
            json.dumps({"id": "r1", "created_at": 1_795_000_000, "model": "gpt-5", "user": "mara", "usage": {
                "prompt_tokens": 100, "completion_tokens": 9, "total_tokens": 109,
                "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0}}}),
            (),
            [109],
            id="nested usage",
        ),
        pytest.param(
            "deep.jsonl",
            json.dumps({"when": AT, "request": {"model": "m", "who": "mara"}, "counts": {"sent": 5, "got": 6}}),
            ("--map", "requested_at=when", "--map", "model=request.model", "--map", "username=request.who",
             "--map", "prompt_tokens=counts.sent", "--map", "completion_tokens=counts.got"),
            [11],
            id="nested columns that are mapped",
        ),
        pytest.param(
            "ch.csv",
            f"{PLAIN}\n20.11.2026 09:05,mara,m,1'234'567,5\n1.2.2026,mara,m,1,2\n",
            ("--aggregates",),
            [1_234_572, 3],
            id="Swiss numbers",
        ),
        pytest.param(
            "fr.csv",
            f"{PLAIN}\n20/11/2026 09:05,mara,m,1\u202f234,5\n",
            (),
            [1239],
            id="French numbers",
        ),
        pytest.param(
            "gb.csv",
            f"{PLAIN}\n10/11/2026 09:05,mara,m,1,5\n",
            ("--locale", "en-GB"),
            [6],
            id="a day that only a person knows how to read",
        ),
        pytest.param(
            "ccusage.json",
            json.dumps([{"timestamp": AT, "user": "mara", "model": "m", "inputTokens": 10, "outputTokens": 20,
                         "cacheCreationTokens": 300, "cacheReadTokens": 4000, "totalTokens": 4330},
                        {"timestamp": AT, "user": "mara", "model": "m", "inputTokens": 5000, "outputTokens": 20,
                         "cacheCreationTokens": 0, "cacheReadTokens": 4000, "totalTokens": 9020}]),
            (),
            [9020, 4330],
            id="caches beside the input, as the total proves",
        ),
        pytest.param(
            "agent.csv",
            "date,user,model,input,output,cache_read,cache_write\n"
            f"{AT},mara,m,15,300,9000,400\n{AT},mara,m,10000,1,9000,0\n",
            (),
            [19_001, 9715],
            id="caches beside the input, as one row proves for all",
        ),
        pytest.param(
            "nothing.csv",
            f"{PLAIN},status\n{AT},mara,m,,,ok\n{AT},mara,m,,,500\n",
            (),
            [0, 0],
            id="no counts",
        ),
        pytest.param(
            "both.csv",
            f"{PLAIN},api_key\n{AT},mara,m,1,2,sk-that-nobody-has\n",
            (),
            [3],
            id="a key that is not known beside a name that is",
        ),
        pytest.param(
            "observations.csv",
            '"id","traceId","type","startTime","endTime","providedModelName","inputUsage","outputUsage","totalUsage",'
            '"usageDetails","userId","level"\n"o","t","GENERATION","2026-11-20T09:00:00.000Z","2026-11-20T09:00:02.000Z",'
            '"m","500","50","550","{""input"":300,""input_cached_tokens"":200,""output"":50,""total"":550}","mara","OK"\n',
            (),
            [550],
            id="Langfuse's table, with names in quotes",
        ),
        pytest.param(
            "blob.jsonl",
            json.dumps({"id": "o", "trace_id": "t", "type": "GENERATION", "start_time": "2026-11-20 09:00:00.000000",
                        "end_time": "2026-11-20 09:00:02.000000", "provided_model_name": "m", "level": "DEFAULT",
                        "usage_details": {"input": 300, "input_cached_tokens": 200, "output": 50, "total": 550}}),
            ("--set", "username=mara"),
            [550],
            id="Langfuse's blob storage",
        ),
        pytest.param(
            "events.json",
            json.dumps({"totalUsageEventsCount": 2, "usageEvents": [
                {"timestamp": "1795000000854", "userEmail": "mara@example.org", "model": "claude-y", "kind": "Usage",
                 "tokenUsage": {"inputTokens": 126, "outputTokens": 450, "cacheWriteTokens": 6112,
                                "cacheReadTokens": 11964, "totalCents": 20.18}},
                {"timestamp": "1795000001854", "userEmail": "mara@example.org", "model": "auto", "kind": "Included"},
            ]}),
            (),
            [18_652, 0],
            id="Cursor's Admin API",
        ),
        pytest.param(
            "logs.json",
            json.dumps({"success": True, "message": "", "data": {"page": 1, "total": 2, "items": [
                {"id": 1, "created_at": 1_795_000_000, "type": 2, "username": "mara", "model_name": "m", "quota": 9,
                 "prompt_tokens": 100, "completion_tokens": 20, "other": '{"cache_tokens":40}'},
                {"id": 2, "created_at": 1_795_000_000, "type": 1, "username": "mara", "model_name": "", "quota": 9,
                 "prompt_tokens": 0, "completion_tokens": 0, "other": ""}]}}),
            (),
            [120],
            id="New-API's own API",
        ),
        pytest.param(
            "activity.json",
            json.dumps({"data": [{"date": "2026-11-20", "model": "x/y", "model_permaslug": "x/y-1", "endpoint_id": "e",
                                  "provider_name": "X", "usage": 0.015, "requests": 5, "prompt_tokens": 50,
                                  "completion_tokens": 125, "reasoning_tokens": 25}]}),
            ("--set", "username=mara", "--aggregates"),
            [175],
            id="OpenRouter's activity API",
        ),
        pytest.param(
            "generation.json",
            json.dumps({"data": {"id": "gen-1", "created_at": "2026-11-15T23:33:19.433273+00:00", "model": "x/y",
                                 "tokens_prompt": 10, "tokens_completion": 25, "native_tokens_prompt": 12,
                                 "native_tokens_completion": 31, "native_tokens_cached": 3, "usage": 0.0015}}),
            ("--set", "username=mara"),
            [43],
            id="OpenRouter's generation",
        ),
        pytest.param(
            "claude-code.json",
            json.dumps({"data": [{"date": "2026-11-01T00:00:00Z", "actor": {"type": "user_actor",
                "email_address": "mara@example.org"}, "core_metrics": {"num_sessions": 5}, "model_breakdown": [
                    {"model": "claude-y", "tokens": {"input": 100, "output": 35, "cache_read": 1000,
                     "cache_creation": 5}, "estimated_cost": {"currency": "USD", "amount": 1025}},
                    {"model": "claude-z", "tokens": {"input": 1, "output": 2, "cache_read": 0, "cache_creation": 0}},
                ]}], "has_more": False}),
            ("--aggregates",),
            [1140, 3],
            id="Anthropic's report of Claude Code",
        ),
        pytest.param(
            "embeddings.json",
            json.dumps({"object": "page", "data": [{"object": "bucket", "start_time": 1_795_000_000, "results": [
                {"object": "organization.usage.embeddings.result", "input_tokens": 16, "num_model_requests": 2,
                 "user_id": None, "model": "embed"}]}]}),
            ("--set", "username=mara", "--aggregates"),
            [16],
            id="OpenAI's embeddings have no completion",
        ),
        pytest.param(
            "daily.json",
            json.dumps({"results": [{"date": "2026-11-20", "metrics": {"api_requests": 5}, "breakdown": {"models": {
                "m": {"metrics": {}, "api_key_breakdown": {KEY: {"metrics": {
                    "spend": 1.2, "prompt_tokens": 1000, "completion_tokens": 200, "cache_read_input_tokens": 300,
                    "cache_creation_input_tokens": 0, "total_tokens": 1200, "successful_requests": 4,
                    "failed_requests": 1, "api_requests": 5}}}}}}}], "metadata": {"total_api_requests": 5}}),
            ("--aggregates",),
            [1200],
            id="LiteLLM's daily activity, by key",
        ),
        pytest.param(
            "ccusage.json",
            json.dumps({"daily": [{"date": "2026-11-20", "inputTokens": 277, "outputTokens": 314,
                "cacheCreationTokens": 512, "cacheReadTokens": 10, "totalTokens": 1113, "modelsUsed": ["claude-y"],
                "modelBreakdowns": [{"modelName": "claude-y", "inputTokens": 277, "outputTokens": 314,
                                     "cacheCreationTokens": 512, "cacheReadTokens": 10, "cost": 1.5}]}],
                "totals": {"totalTokens": 1113}}, indent=2),
            ("--set", "username=mara", "--aggregates", "--timezone", "Europe/Berlin"),
            [1113],
            id="ccusage",
        ),
        pytest.param(
            "bedrock.jsonl",
            json.dumps({"timestamp": AT, "requestId": "r", "modelId": "claude-y", "identity": {"arn": "arn:x"},
                        "input": {"inputTokenCount": 20, "cacheReadInputTokenCount": 500,
                                  "cacheWriteInputTokenCount": 100}, "output": {"outputTokenCount": 40}}),
            ("--set", "username=mara"),
            [660],
            id="Bedrock's invocation log",
        ),
        pytest.param(
            "completion.jsonl",
            json.dumps({"id": "c", "created": 1_795_000_000, "model": "m", "user": "mara",
                        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}),
            (),
            [15],
            id="a chat completion as OpenAI answers it",
        ),
        pytest.param(
            "null.csv",
            f"{PLAIN}\n{AT},mara,m,NaN,NaN\n{AT},mara,m,None,None\n{AT},mara,m,-,-\n{AT},mara,m,7,1\n",
            (),
            [8, 0, 0, 0],
            id="words for nothing",
        ),
    ],
)  # fmt: skip
def test_other_file_is_imported_with_its_counts(
    name: str, text: str, words: tuple[str, ...], expected: list[int], write: Write, mara: Account
) -> None:
    assert billed(write(name, text), *words) == expected


@pytest.mark.parametrize(
    ("name", "text", "question"),
    [
        pytest.param(
            "buckets.csv",
            f"{PLAIN},request_count\n{AT},mara,m,1,2,1\n{AT},mara,m,10,20,7\n",
            'request_count is up to 7. Say --aggregates to store each as one request, or leave "request_count" out',
            id="a count of requests",
        ),
        pytest.param(
            "buckets.json",
            json.dumps({"data": [{"start_time": 1_795_000_000, "results": [{"input_tokens": 10, "output_tokens": 1,
                                  "num_model_requests": 5, "user_id": "mara", "model": "m"}]}]}),
            "num_model_requests is up to 5.",
            id="OpenAI's buckets",
        ),
        pytest.param(
            "days.csv",
            f"{PLAIN}\n2026-11-20,mara,m,1,2\n",
            "timestamp has days without a clock.",
            id="days without a clock",
        ),
        pytest.param(
            "total.csv",
            f"{PLAIN},total_tokens\n{AT},mara,m,10,20,30\n{AT},mara,m,10,20,530\n",
            "total_tokens contradicts the columns that are read, in row 2: it says 530, and they are 30 together.",
            id="a total that says more",
        ),
        pytest.param(
            "audio.csv",
            f"{PLAIN},audio_tokens\n{AT},mara,m,10,20,0\n{AT},mara,m,10,20,500\n",
            "These columns look like counts and are not read: audio_tokens (up to 500). Add them with --map",
            id="a count that nobody knows",
        ),
        pytest.param(
            "old.csv",
            "start_time,user_email,model,input_tokens,output_tokens,num_model_requests,input_audio_tokens\n"
            "1795000000,mara@example.org,m,10,1,1,300\n",
            "input_audio_tokens (up to 300)",
            id="OpenAI's audio beside the text",
        ),
        pytest.param(
            "caches.csv",
            f"timestamp,user,model,input_tokens,output_tokens,cache_read_tokens\n{AT},mara,m,10,20,5\n",
            "Nothing says whether input_tokens includes cache_read_tokens: "
            "--map prompt_tokens=input_tokens+cache_read_tokens adds them, --map prompt_tokens=input_tokens does not.",
            id="caches that may be part of the input",
        ),
        pytest.param(
            "lifetimes.csv",
            "timestamp,user,model,input_tokens,output_tokens,cache_creation.ephemeral_5m_input_tokens\n"
            f"{AT},mara,m,10,20,5\n",
            "Nothing says whether input_tokens includes cache_creation.ephemeral_5m_input_tokens: --map prompt_tokens="
            "input_tokens+cache_creation.ephemeral_5m_input_tokens adds them",
            id="tokens written to a cache for five minutes",
        ),
        pytest.param(
            "written.csv",
            "timestamp,user,model,input_tokens,output_tokens,cache_write_tokens,cache_creation.ephemeral_5m_input_tokens\n"
            f"{AT},mara,m,10,20,5,5\n",
            "Nothing says whether input_tokens includes cache_write_tokens: ",
            id="tokens written to a cache, and their part for five minutes",
        ),
        pytest.param(
            "report.csv",
            "created_at,user,model,input_tokens,output_tokens,cached_input_tokens,cache_creation_input_tokens\n"
            f"{AT},mara,m,1000,50,400,0\n{AT},mara,m,1000,50,400,10\n",
            "Nothing says whether input_tokens includes cached_input_tokens and cache_creation_input_tokens: ",
            id="names of caches of which one is part of the input elsewhere, and one is not",
        ),
        pytest.param(
            "mixed.csv",
            "timestamp,user,model,input_tokens,output_tokens,cache_read_tokens,total_tokens\n"
            f"{AT},mara,m,10,20,5,35\n{AT},mara,m,10,20,5,30\n",
            "In row 1 cached tokens are counted beside input_tokens, in row 2 they are part of it",
            id="rows that disagree",
        ),
        pytest.param(
            "days.csv", f"{PLAIN}\n10/11/2026 09:05,mara,m,1,2\n", "say with --locale who wrote them", id="10 or 11"
        ),
        pytest.param(
            "numbers.csv", f'{PLAIN}\n{AT},mara,m,"1,000",2\n', "Numbers such as 1.000", id="a thousand or one"
        ),
        pytest.param(
            "all.csv",
            f"{PLAIN},requests,image_tokens\n2026-11-20,mara,m,1,2,3,44\n",
            "Name their time zone with --timezone. Rows are sums of more than one request: timestamp has days "
            "without a clock. requests is up to 3.",
            id="all at once",
        ),
    ],
)  # fmt: skip
def test_open_question_is_asked_before_anything_is_stored(
    name: str, text: str, question: str, write: Write, mara: Account
) -> None:
    assert question in refused(write(name, text))


def test_a_person_decides_what_a_file_leaves_open(write: Write, mara: Account) -> None:
    file = write("open.csv", f"{PLAIN},requests,image_tokens,total_tokens\n2026-11-20,mara,m,1,2,3,44,900\n")
    words = ["--timezone", "UTC", "--aggregates"]
    assert "image_tokens" in refused(file, *words)
    words += ["--map", "prompt_tokens=prompt_tokens+image_tokens"]
    assert "total_tokens contradicts" in refused(file, *words)
    assert "no column called total" in refused(file, *words, "--ignore-column", "total")
    assert billed(file, *words, "--ignore-column", "total_tokens") == [47]


def test_a_question_comes_from_any_row_of_the_file(write: Write, mara: Account) -> None:
    rows = [f"{AT},mara,m,{n},2,1" for n in range(500)]
    file = write("long.csv", "\n".join([f"{PLAIN},request_count", *rows, f"{AT},mara,m,1,2,9"]))
    assert "request_count is up to 9" in refused(file)


def test_what_had_no_success_is_an_error(write: Write, mara: Account) -> None:
    file = write("calls.csv", f"{PLAIN},success\n{AT},mara,m,100,20,true\n{AT},mara,m,0,0,false\n{AT},mara,m,,,False\n")
    billed(file)
    assert stored() == [(100, 20, 0, 0, "ok"), (0, 0, 0, 0, "error"), (0, 0, 0, 0, "error")]


def test_a_sum_that_has_grown_is_kept_apart_and_not_added(write: Write, mara: Account) -> None:
    head = "usage_date_utc,model_version,api_key,usage_input_tokens_no_cache,usage_output_tokens,web_search_count"
    words = ("--set", "username=mara", "--aggregates")
    early = write("early.csv", f"{head}\n2026-11-05,m,lap,100,10,0\n2026-11-05,m,top,1,1,0\n")
    late = write("late.csv", f"{head}\n2026-11-05,m,lap,900,90,3\n2026-11-05,m,top,1,1,0\n2026-11-06,m,lap,5,5,0\n")
    assert table(succeed("import", "usage", early, *words)) == [[2, 0, 0, 0, 0, 0]]
    assert table(succeed("import", "usage", late, *words)) == [[1, 1, 0, 1, 0, 0]]
    assert [event[:2] for event in stored()] == [(100, 10), (5, 5), (1, 1)]


def test_objects_and_days_of_parquet_are_read(tmp_path: Path, mara: Account) -> None:
    rows: list[dict[str, Any]] = [
        {
            "day": date(2026, 11, 20),
            "user": "mara",
            "model": "m",
            "usage": {"prompt_tokens": 30, "completion_tokens": 4},
        }
    ]
    path = tmp_path / "usage.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    words = [str(path), "--map", "requested_at=day", "--timezone", "UTC"]
    assert "day has days without a clock" in refused(*words)
    assert billed(*words, "--aggregates") == [34]


def test_an_unknown_locale_is_wrong_usage(write: Write, mara: Account) -> None:
    done = portal("import", "usage", write("a.csv", PLAIN), "--locale", "klingon")
    assert (done.exit_code, "no locale called klingon" in done.stderr) == (2, True)


def test_a_document_that_breaks_off_is_no_file_of_rows(write: Write, mara: Account) -> None:
    assert "cut.json breaks off: the JSON is damaged" in refused(write("cut.json", '{\n  "data": [\n    {"id": 1}'))
