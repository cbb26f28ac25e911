-- wrk: one scenario. Arguments: method, path with {id}, body, greatest id, token, extra header.
local method, path, body, greatest, token, prefer

function setup(thread)
   thread:set("seed", os.time())
end

function init(args)
   method, path, body = args[1], args[2], args[3]
   greatest, token, prefer = tonumber(args[4]), args[5], args[6]
   math.randomseed(seed or 1)
   wrk.headers["Authorization"] = "Bearer " .. token
   if body == "" then
      body = nil
   else
      wrk.headers["Content-Type"] = "application/json"
   end
   if prefer ~= "" then wrk.headers["Prefer"] = prefer end
end

function request()
   local target = string.gsub(path, "{id}", tostring(math.random(1, greatest)))
   return wrk.format(method, target, nil, body)
end

function done(summary, latency, requests)
   local failed = summary.errors.status + summary.errors.connect + summary.errors.read
      + summary.errors.write + summary.errors.timeout
   io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, summary.duration,
      latency:percentile(50), latency:percentile(99), failed, summary.bytes))
end
