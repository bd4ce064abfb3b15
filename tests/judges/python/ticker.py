from io import BytesIO

from check import equal, value
from witapi_client import Client
from witapi_client.api.ticker import ticker_download, ticker_running_sum, ticker_sum, ticker_upload, ticker_watch
from witapi_client.models import Summary, Tick
from witapi_client.types import File


# The generator knows no streams: it takes the schema of an item for that of the body, which is right for one item.
def ticker(client: Client) -> None:
    tick = value("watch", ticker_watch.sync_detailed(client=client, count=1), Tick)
    equal("the first tick", tick.seq, 0)
    summary = value("sum", ticker_sum.sync_detailed(client=client, body=2.5), Summary)
    equal("the sum", summary, Summary(count=1, sum_=2.5, least=2.5, greatest=2.5))
    equal("the running sum", value("running sum", ticker_running_sum.sync_detailed(client=client, body=2.5), float), 2.5)
    downloaded = value("download", ticker_download.sync_detailed(client=client, size=5), File)
    equal("what was downloaded", downloaded.payload.read(), b"abcde")
    uploaded = ticker_upload.sync_detailed(client=client, body=File(payload=BytesIO(b"hello")))
    equal("what was uploaded", value("upload", uploaded, int), 5)
