from check import equal, value
from witapi_client import Client
from witapi_client.api.wordcount_words import wordcount_words_count, wordcount_words_list_stop_words
from witapi_client.models import Counts, Frequency, WordcountWordsCountBody


def wordcount(client: Client) -> None:
    text = WordcountWordsCountBody(text="The cat sat on the mat. The cat slept.", top=2)
    counts = value("count", wordcount_words_count.sync_detailed(client=client, body=text), Counts)
    equal("the words", counts.words, 9)
    equal("the frequent ones", counts.frequent, [Frequency(word="cat", count=2), Frequency(word="sat", count=1)])

    answer = wordcount_words_list_stop_words.sync_detailed(client=client, prefix="wh")
    equal("the stop words", value("stop words", answer, list), ["what", "when", "which", "who"])
