from http import HTTPStatus

from check import equal, value
from witapi_client import Client
from witapi_client.api.greeter_greetings import (
    greeter_greetings_get_greeting,
    greeter_greetings_list_languages,
    greeter_greetings_welcome,
)
from witapi_client.models import (
    GreetingsErrorInvalid,
    GreetingsErrorProblem,
    GreetingsGreeting,
    Language,
    Party,
)


def greeter(client: Client) -> None:
    answer = greeter_greetings_get_greeting.sync_detailed(client=client, name="Ada", language=Language.GERMAN)
    greeting = value("greet", answer, GreetingsGreeting)
    equal("the greeting", (greeting.text, greeting.language), ("Hallo, Ada!", Language.GERMAN))

    languages = value("languages", greeter_greetings_list_languages.sync_detailed(client=client), list)
    equal("the languages", languages, list(Language))

    party = Party(host="Grace", guests=["Ada", "Alan"], language=Language.FRENCH)
    greetings = value("welcome", greeter_greetings_welcome.sync_detailed(client=client, body=party), list)
    equal("the guests greeted", [type(greeting) for greeting in greetings], [GreetingsGreeting, GreetingsGreeting])

    nobody = greeter_greetings_get_greeting.sync_detailed(client=client, name=" ")
    problem = value("nobody", nobody, GreetingsErrorProblem, HTTPStatus.BAD_REQUEST)
    equal("why nobody is greeted", type(problem.error), GreetingsErrorInvalid)
