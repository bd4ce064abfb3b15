-- What wrk sends: a GET, or a POST of the JSON file that BENCH_BODY names. Without a function `request`, it is built
-- once and no Lua runs while wrk measures. At the end, its counts as one line of JSON.

local file = os.getenv("BENCH_BODY")
if file then
    local body = assert(io.open(file, "rb"))
    wrk.method = "POST"
    wrk.body = body:read("*a")
    wrk.headers["Content-Type"] = "application/json"
    body:close()
end

function done(summary, latency)
    local errors = summary.errors
    print(string.format(
        'counts {"requests": %d, "us": %d, "p50_us": %d, "p99_us": %d, '
            .. '"errors": {"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}}',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
        errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
