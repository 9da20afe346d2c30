using System.Globalization;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Judges;
using Tulu2.Evaluation.Judges.Costs;
using Tulu2.Evaluation.Judges.Endpoint;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;
using Tulu2.Tests.Evaluation.Judges.Server;
using Xunit;

namespace Tulu2.Tests.Evaluation.Judges;

/// <summary>A judge behind an endpoint that answers late, wrongly, or not at all.</summary>
public sealed class EndpointJudgeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tulu2-judge-").FullName;
    private readonly InstantTime _time = new();

    private string Cache => Path.Combine(_folder, "cache");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Verdicts_come_in_the_order_of_the_requests_and_the_second_run_asks_nobody()
    {
        using var server = new LoopbackJudge(call => new JudgeReply.Verdict($"on {call.Prompt}"));
        var judge = Open(server, cache: true);
        var verdicts = judge.Verdicts([.. Requests(40)], CancellationToken.None);
        Assert.Equal(Enumerable.Range(0, 40).Select(index => $"on question {index}"), verdicts);
        var use = Assert.Single(judge.TakeUse());
        Assert.Equal(("pairs", $"judge-1@{server.Address.Authority}", 40, 0, 4000L, 400L), (use.Role, use.Judge, use.Requests, use.Cached, use.PromptTokens, use.CompletionTokens));
        Assert.Equal("Bearer secret", server.Calls.First().Authorization);
        Assert.Equal("/v1/chat/completions", server.Calls.First().Path);
        Assert.Equal(0, server.Calls.First().Body!.Value.GetProperty("temperature").GetDouble());
        Assert.Equal(77, server.Calls.First().Body!.Value.GetProperty("max_tokens").GetInt32());

        var second = Open(server, cache: true);
        Assert.Equal(verdicts, second.Verdicts([.. Requests(40)], CancellationToken.None));
        Assert.Equal(40, server.Calls.Count);
        var cached = Assert.Single(second.TakeUse());
        Assert.Equal((0, 40, 0L), (cached.Requests, cached.Cached, cached.PromptTokens));
    }

    [Fact]
    public void No_more_requests_than_allowed_are_open_and_the_same_question_is_asked_once()
    {
        using var server = new LoopbackJudge(call => new JudgeReply.Verdict(call.Prompt));
        var judge = Open(server, limits: Limits with { Parallel = 3 });
        var verdicts = judge.Verdicts([.. Requests(30), .. Requests(30)], CancellationToken.None);
        Assert.Equal(60, verdicts.Count);
        Assert.Equal(verdicts.Take(30), verdicts.Skip(30));
        Assert.Equal(30, server.Calls.Count);
        Assert.InRange(server.MostOpen, 1, 3);
    }

    public static TheoryData<string> Passing => new("status 429", "status 500", "status 503", "status 408", "status 409", "hang-up", "silence", "cut", "garbage", "no choices", "empty");

    [Theory]
    [MemberData(nameof(Passing))]
    public void What_passes_is_tried_again(string fault)
    {
        using var server = new LoopbackJudge(call => call.Number < 2 ? Fault(fault) : new JudgeReply.Verdict("at last"));
        // Long enough for an answer on a busy machine; only silence waits for it.
        var judge = Open(server, limits: Limits with { Patience = fault == "silence" ? TimeSpan.FromSeconds(0.3) : TimeSpan.FromMinutes(1) });
        Assert.Equal(["at last"], judge.Verdicts([.. Requests(1)], CancellationToken.None));
        Assert.Equal(3, server.Calls.Count);
        Assert.Equal(2, _time.Waits.Count);
        Assert.Equal(1, judge.TakeUse().Sum(use => use.Requests));
    }

    [Fact]
    public void A_server_that_names_a_wait_is_obeyed_and_otherwise_the_waits_grow()
    {
        using var server = new LoopbackJudge(call => call.Number switch
        {
            0 => new JudgeReply.Raw(429, "{}", "17"),
            1 => new JudgeReply.Raw(503, "{}", DateTimeOffset.UtcNow.AddSeconds(200).ToString("R", CultureInfo.InvariantCulture)),
            < 8 => new JudgeReply.Raw(500, ""),
            _ => new JudgeReply.Verdict("done"),
        });
        Assert.Equal(["done"], Open(server).Verdicts([.. Requests(1)], CancellationToken.None));
        var waits = _time.Waits.ToList();
        Assert.Equal(TimeSpan.FromSeconds(17), waits[0]);
        // The date is in whole seconds, and some pass on the way.
        Assert.InRange(waits[1].TotalSeconds, 100, 200);
        Assert.Equal(8, waits.Count);
        Assert.True(waits[7] > waits[2], $"{waits[2]} to {waits[7]}");
        Assert.All(waits.Skip(2), wait => Assert.InRange(wait, TimeSpan.FromSeconds(0.1), Limits.LongestWait));
    }

    [Fact]
    public void A_server_that_never_answers_is_given_up_and_one_that_asks_for_an_hour_at_once()
    {
        using var server = new LoopbackJudge(_ => new JudgeReply.Raw(503, """{"error": {"message": "over\n capacity"}}"""));
        var fault = Assert.Throws<BadInputException>(() => Open(server, cache: true).Verdicts([.. Requests(1)], CancellationToken.None));
        Assert.Contains("status 503: over capacity, 10 times in a row", fault.Message);
        Assert.Contains(Cache, fault.Fix);
        Assert.Equal(10, server.Calls.Count);

        server.Reply = _ => new JudgeReply.Raw(429, "{}", "3600");
        fault = Assert.Throws<BadInputException>(() => Open(server).Verdicts([.. Requests(1)], CancellationToken.None));
        Assert.Contains("asks to wait 1 h 00 min", fault.Message);
        Assert.Equal(11, server.Calls.Count);
    }

    public static TheoryData<int, string, string> Lasting => new()
    {
        { 401, """{"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}""", "refuses the key (401: Incorrect API key)" },
        { 403, "no", "refuses the key (403)" },
        { 404, """{"error": {"message": "no such model"}}""", "has no chat completions of judge-1 (404: no such model)" },
        { 429, """{"error": {"message": "pay", "code": "insufficient_quota"}}""", "the quota is used up" },
        { 400, """{"error": {"message": "bad temperature"}}""", "refuses the request (400: bad temperature)" },
        { 200, """{"model": "judge-2", "choices": [{"message": {"content": "x"}}]}""", "answers as judge-2, but was asked for judge-1" },
        { 200, """{"model": "judge-1-turbo", "choices": [{"message": {"content": "x"}}]}""", "answers as judge-1-turbo" },
        { 200, """{"choices": [{"message": {"content": "x"}}]}""", "does not say which model" },
    };

    [Theory]
    [MemberData(nameof(Lasting))]
    public void What_lasts_is_not_tried_again(int status, string body, string expected)
    {
        using var server = new LoopbackJudge(_ => new JudgeReply.Raw(status, body));
        var fault = Assert.Throws<BadInputException>(() => Open(server, cache: true).Verdicts([.. Requests(1)], CancellationToken.None));
        Assert.Contains(expected, fault.Message);
        Assert.DoesNotContain("secret", $"{fault}{fault.Fix}");
        Assert.Single(server.Calls);
        Assert.Empty(_time.Waits);
    }

    [Fact]
    public void Refusals_null_contents_and_prompts_that_are_too_long_are_verdicts_that_nobody_can_parse()
    {
        using var server = new LoopbackJudge(call => call.Prompt switch
        {
            "question 0" => new JudgeReply.Raw(200, """{"model": "judge-1", "choices": [{"message": {"content": null, "refusal": "I can't."}}]}"""),
            "question 1" => new JudgeReply.Raw(200, """{"model": "judge-1", "choices": [{"message": {"content": null}, "finish_reason": "content_filter"}], "usage": null}"""),
            "question 2" => new JudgeReply.Raw(400, """{"error": {"message": "too long", "code": "context_length_exceeded"}}"""),
            _ => new JudgeReply.Verdict("[[7]]"),
        });
        var judge = Open(server);
        Assert.Equal(["I can't.", "", EndpointJudge.TooLong, "[[7]]"], judge.Verdicts([.. Requests(4)], CancellationToken.None));
        Assert.Equal(4, judge.TakeUse().Sum(use => use.Requests));
    }

    [Fact]
    public void An_alias_is_recorded_as_the_version_that_answered()
    {
        using var server = new LoopbackJudge(_ => new JudgeReply.Verdict("x", "judge-1-0613"));
        var judge = Open(server);
        judge.Verdicts([.. Requests(2)], CancellationToken.None);
        Assert.Equal($"judge-1-0613@{server.Address.Authority}", Assert.Single(judge.TakeUse()).Judge);
    }

    [Fact]
    public void A_run_that_ends_amid_its_requests_goes_on_without_repeating_one()
    {
        var answered = new System.Collections.Concurrent.ConcurrentBag<string>();
        JudgeReply Answer(JudgeCall call)
        {
            answered.Add(call.Prompt);
            return new JudgeReply.Verdict(call.Prompt);
        }
        using var server = new LoopbackJudge(call => call.Number < 15 ? Answer(call) : new JudgeReply.Raw(401, ""));
        Assert.Throws<BadInputException>(() => Open(server, cache: true, limits: Limits with { Parallel = 1 }).Verdicts([.. Requests(50)], CancellationToken.None));
        Assert.Equal(15, answered.Count);
        // What a killed process leaves: a part, and a file of another process's that the disk has damaged.
        File.WriteAllText(Path.Combine(Directory.GetDirectories(Cache)[0], ".x.part"), "{");
        server.Reply = Answer;
        Assert.Equal(Requests(50).Select(request => request.Prompt[^1].Content), Open(server, cache: true).Verdicts([.. Requests(50)], CancellationToken.None));
        Assert.Equal(50, answered.Distinct().Count());
        Assert.Equal(50, answered.Count);
    }

    [Fact]
    public void A_damaged_verdict_is_asked_for_again()
    {
        using var server = new LoopbackJudge(_ => new JudgeReply.Verdict("whole"));
        Open(server, cache: true).Verdicts([.. Requests(2)], CancellationToken.None);
        var kept = Directory.GetFiles(Cache, "*.json", SearchOption.AllDirectories);
        File.WriteAllText(kept[0], File.ReadAllText(kept[0])[..20]);
        Assert.Equal(["whole", "whole"], Open(server, cache: true).Verdicts([.. Requests(2)], CancellationToken.None));
        Assert.Equal(3, server.Calls.Count);
    }

    [Fact]
    public void The_cache_knows_model_endpoint_prompt_and_parameters_apart()
    {
        var request = Requests(1).Single();
        var endpoint = new Uri("https://host/v1");
        string[] keys =
        [
            VerdictCache.Key(endpoint, "m", request), VerdictCache.Key(endpoint, "n", request), VerdictCache.Key(new Uri("https://other/v1"), "m", request),
            VerdictCache.Key(endpoint, "m", request with { MaxTokens = 78 }), VerdictCache.Key(endpoint, "m", Requests(2).Last()),
            VerdictCache.Key(endpoint, "m", request with { Prompt = [new Message(Message.System, "question 0")] }),
        ];
        Assert.Equal(keys.Length, keys.Distinct().Count());
        Assert.Equal(keys[0], VerdictCache.Key(new Uri("https://host/v1/"), "m", request with { Role = "other" }));
    }

    [Fact]
    public void A_stopped_run_stops_asking()
    {
        using var stop = new CancellationTokenSource();
        using var server = new LoopbackJudge(_ =>
        {
            stop.Cancel();
            return new JudgeReply.Silence();
        });
        Assert.ThrowsAny<OperationCanceledException>(() => Open(server).Verdicts([.. Requests(20)], stop.Token));
        Assert.InRange(server.Calls.Count, 1, Limits.Parallel);
    }

    [Fact]
    public void Costs_are_counted_by_the_model_that_answered()
    {
        var prices = Path.Combine(_folder, "prices.json");
        File.WriteAllText(prices, """{"judge": {"prompt": 30, "completion": 60}}""");
        using var server = new LoopbackJudge(_ => new JudgeReply.Verdict("x"));
        var judge = Open(server, prices: JudgePrices.Read(prices));
        judge.Verdicts([.. Requests(10)], CancellationToken.None);
        Assert.Equal((1000 * 30 + 100 * 60) / 1e6, Assert.Single(judge.TakeUse()).Cost!.Value, 12);
        Assert.Empty(judge.TakeUse());
    }

    private static JudgeLimits Limits => new();

    private static IEnumerable<ModelRequest.Judge> Requests(int count) => Enumerable.Range(0, count).Select(index =>
        new ModelRequest.Judge([new Message(Message.System, "Judge."), new Message(Message.User, $"question {index}")]) { Role = "pairs", MaxTokens = 77 });

    private EndpointJudge Open(LoopbackJudge server, bool cache = false, JudgeLimits? limits = null, JudgePrices? prices = null)
    {
        var address = new EndpointAddress(server.Address, "judge-1");
        limits ??= Limits;
        var directory = cache ? Cache : null;
        return new EndpointJudge("pairs", address, new EndpointClient(address, "secret", limits.Patience), limits, new VerdictCache(directory), prices ?? JudgePrices.None, directory, _time);
    }

    private static JudgeReply Fault(string name) => name switch
    {
        "hang-up" => new JudgeReply.HangUp(),
        "silence" => new JudgeReply.Silence(),
        "cut" => new JudgeReply.Cut("a verdict that breaks off"),
        "garbage" => new JudgeReply.Raw(200, "<html>Sign in</html>"),
        "no choices" => new JudgeReply.Raw(200, """{"model": "judge-1", "choices": []}"""),
        "empty" => new JudgeReply.Raw(200, ""),
        _ => new JudgeReply.Raw(int.Parse(name.Split(' ')[1], CultureInfo.InvariantCulture), "{}"),
    };
}
