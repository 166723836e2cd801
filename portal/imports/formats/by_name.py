"""The format of all other files: the names of columns decide about fields and counts."""

from portal.gateways.count_names import PARTS, WRITTEN_FOR
from portal.imports.formats.format import Fields, FileFormat


def _refine(fields: Fields) -> None:
    if str(fields.pop("success", "")).strip().lower() in {"false", "0"}:
        fields.setdefault("status", "error")


BY_NAME = FileFormat(
    "columns by their names",
    "files",
    {
        "id": ["id", "requestid", "eventid", "callid", "responseid", "uuid"],
        "api_key_hash": ["apikeyhash", "keyhash", "apikeysha256", "hashedapikey", "tokenhash", "hashedtoken"],
        "api_key": ["apikey", "virtualkey", "key"],
        "username": ["username", "user", "login", "account", "useremail", "email", "mail", "userid", "requester"],
        "model": ["model", "modelname", "modelgroup", "modelid", "modelversion", "requestmodel"],
        "provider_model": ["providermodel", "upstreammodel"],
        "mode": ["mode"],
        "status": ["status", "result", "outcome", "statuscode"],
        "success": ["success", "issuccess", "succeeded"],
        "requested_at": [
            *("requestedat", "timestamp", "datetime", "createdat", "starttime", "startedat", "requesttime"),
            *("eventtime", "created", "time", "date", "day"),
        ],
        "latency_ms": ["latencyms", "durationms", "elapsedms", "responsetimems", "requestdurationms"],
        "template": ["template", "experttemplate"],
        "cost_factor": ["costfactor"],
        "session_id": ["sessionid", "conversationid"],
    },
    {name: name for name in (*PARTS, *WRITTEN_FOR)}
    | dict.fromkeys(("tokensin", "promptcount", "inputtokenstotal"), "prompt_tokens")
    | dict.fromkeys(("tokensout", "completioncount"), "completion_tokens")
    | {"tokenscached": "cached_tokens", "tokensreasoning": "reasoning_tokens"}
    | dict.fromkeys(("reasoningoutputtokens", "reasoningcompletiontokens"), "reasoning_tokens")
    | dict.fromkeys(("tokens", "tokenstotal", "tokencount"), "total_tokens")
    | {f"{side}{side}tokencount": f"{side}_token_count" for side in ("input", "output")}  # Bedrock's invocation logs
    | {f"inputcache{done}inputtokencount": f"cache_{done}_input_token_count" for done in ("read", "write")},
    refine=_refine,
)
