#!/usr/bin/env python3
"""Reads the fake model server with the official `openai` Python client, so that the server is not merely our own
idea of the API. Needs the `openai` package; not part of `make test`.

    make build/release/tests/tools/fake_server
    python3 tests/peer/openai_client.py [build/release/tests/tools/fake_server]

Prints one line a check and exits with 1 where one fails.
"""
import base64
import json
import subprocess
import sys
import tempfile

import openai

SERVER = sys.argv[1] if len(sys.argv) > 1 else "build/release/tests/tools/fake_server"
PICTURE = base64.b64encode(b"any bytes do").decode()
n_failed = 0


def check(name, condition, seen):
    global n_failed
    n_failed += not condition
    print(f"{'ok' if condition else 'NOT OK'} - {name}: {seen}")


def ask(client, model, **options):
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + PICTURE}}
    return client.chat.completions.create(
        model=model,
        messages=[
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [picture, {"type": "text", "text": "how many?"}]},
            {"role": "assistant", "content": "Answer: 1"},
            {"role": "user", "content": "look again"},
        ],
        temperature=0,
        **options,
    )


def check_answers(client):
    reply = ask(client, "student", max_tokens=512)
    choice = reply.choices[0]
    check("answer", choice.message.content.endswith("guess 2 of 78"), repr(choice.message.content))
    check("finish_reason", choice.finish_reason == "stop", choice.finish_reason)
    check("model", reply.model == "student", reply.model)
    check("fingerprint", reply.system_fingerprint == "fp_fake", reply.system_fingerprint)
    usage = reply.usage
    check("usage", usage.prompt_tokens + usage.completion_tokens == usage.total_tokens, usage.total_tokens)
    check("cached", usage.prompt_tokens_details.cached_tokens == 3, usage.prompt_tokens_details.cached_tokens)
    check("reasoning tokens", usage.completion_tokens_details.reasoning_tokens == 2,
          usage.completion_tokens_details.reasoning_tokens)

    message = ask(client, "student!refusal").choices[0].message
    check("refusal", message.content is None and message.refusal == "I cannot help with that.", message.refusal)
    choice = ask(client, "student!length").choices[0]
    check("length", choice.finish_reason == "length" and choice.message.content == "Answer: cut", choice.finish_reason)
    choice = ask(client, "student!content-filter").choices[0]
    check("content filter", choice.finish_reason == "content_filter", choice.finish_reason)
    check("null content", ask(client, "student!null-content").choices[0].message.content is None, None)
    check("no usage", ask(client, "student!no-usage").usage is None, None)
    message = ask(client, "student!reasoning-content").choices[0].message
    check("reasoning_content", message.reasoning_content == "let me see", message.reasoning_content)
    reply = ask(client, "student!no-max-tokens", max_completion_tokens=512)
    check("max_completion_tokens", reply.choices[0].finish_reason == "stop", reply.choices[0].finish_reason)


def check_errors(client):
    for model, wanted in [
        ("student!400", openai.BadRequestError),
        ("student!400-context", openai.BadRequestError),
        ("student!401", openai.AuthenticationError),
        ("student!403", openai.PermissionDeniedError),
        ("student!404", openai.NotFoundError),
        ("student!409", openai.ConflictError),
        ("student!422-detail", openai.UnprocessableEntityError),
        ("student!429", openai.RateLimitError),
        ("student!429-quota", openai.RateLimitError),
        ("student!500", openai.InternalServerError),
        ("student!502-html", openai.InternalServerError),
        ("student!503-loading", openai.InternalServerError),
        ("student!hang", openai.APITimeoutError),
        ("student!reset", openai.APIConnectionError),
        ("student!early-close", openai.APIConnectionError),
    ]:
        try:
            ask(client.with_options(max_retries=0, timeout=1), model)
            check(model, False, "no error")
        except Exception as error:  # the very class is what is checked
            check(model, type(error) is wanted, f"{type(error).__name__} {getattr(error, 'code', None)}")
    try:
        ask(client, "student!no-max-tokens", max_tokens=512)
        check("refused parameter", False, "no error")
    except openai.BadRequestError as error:
        check("refused parameter", error.code == "unsupported_parameter" and error.param == "max_tokens",
              f"{error.code} {error.param} {error.type}")


def check_retries(client, log):
    for spec, tries in [("429-ms*1", 2), ("429-seconds*1", 2), ("503-loading*2", 3), ("reset*1", 2), ("400-retry*1", 2)]:
        reply = ask(client.with_options(max_retries=7), "student!" + spec)
        with open(log) as lines:
            n = sum(json.loads(line)["model"] == "student!" + spec for line in lines)
        check(spec, n == tries and reply.choices[0].finish_reason == "stop", f"{n} requests")


def main():
    print(f"openai {openai.__version__}")
    with tempfile.NamedTemporaryFile() as log:
        server = subprocess.Popen([SERVER, "--with-parent", "--key", "sk-test", "--log", log.name], stdout=subprocess.PIPE)
        try:
            url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
            client = openai.OpenAI(base_url=url, api_key="sk-test")
            check_answers(client)
            check_errors(client)
            check_retries(client, log.name)
            try:
                ask(openai.OpenAI(base_url=url, api_key="wrong"), "student")
                check("wrong key", False, "no error")
            except openai.AuthenticationError as error:
                check("wrong key", error.status_code == 401, error.message)
        finally:
            server.terminate()
    sys.exit(1 if n_failed else 0)


main()
