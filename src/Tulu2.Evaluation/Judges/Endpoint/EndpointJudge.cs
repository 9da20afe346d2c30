using System.Text.Json;
using Polly;
using Tulu2.Evaluation.Judges.Costs;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Judges.Endpoint;

/// <summary>A judge behind an OpenAI-compatible endpoint: asks several questions at a time, within limits, each until it has an answer, and keeps every verdict.</summary>
internal sealed class EndpointJudge : IRoleJudge
{
    /// <summary>The verdict on a prompt that the judge cannot read whole. No benchmark can parse it, so it is counted among the unparsed.</summary>
    public const string TooLong = "(no verdict: the prompt is longer than the judge's context)";

    private readonly string _role;
    private readonly EndpointAddress _address;
    private readonly EndpointClient _client;
    private readonly JudgeLimits _limits;
    private readonly RequestLimits _waits;
    private readonly VerdictCache _cache;
    private readonly JudgePrices _prices;
    private readonly string? _directory;
    private readonly ResiliencePipeline<EndpointAnswer> _tries;
    private readonly List<JudgeUse> _uses = [];

    /// <param name="directory">The cache's, for messages.</param>
    /// <param name="time">For tests: the clock of the waits between tries.</param>
    public EndpointJudge(
        string role, EndpointAddress address, EndpointClient client, JudgeLimits limits, VerdictCache cache, JudgePrices prices, string? directory, TimeProvider? time = null)
    {
        (_role, _address, _client, _limits, _cache, _prices, _directory) = (role, address, client, limits, cache, prices, directory);
        _waits = new RequestLimits(limits);
        _tries = JudgeTries.Of<EndpointAnswer>(
            limits, tried => tried.Result is EndpointAnswer.Later, answer => (answer as EndpointAnswer.Later)?.Asked, time);
    }

    public string Id => JudgeIdentity.OfEndpoint(_address.Model, _address.Base);

    public IReadOnlyList<string> Verdicts(IReadOnlyList<ModelRequest.Judge> requests, CancellationToken cancellation)
    {
        // The same question is asked once.
        var keys = requests.Select(request => VerdictCache.Key(_address.Base, _address.Model, request)).ToList();
        var distinct = keys.Zip(requests).DistinctBy(pair => pair.First).ToList();
        var verdicts = new string[distinct.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, _limits.Parallel), CancellationToken = cancellation };
        Task.Run(() => Parallel.ForAsync(0, distinct.Count, options, async (index, stop) =>
            verdicts[index] = await VerdictAsync(distinct[index].First, distinct[index].Second, stop)), cancellation).GetAwaiter().GetResult();
        var given = distinct.Zip(verdicts).ToDictionary(pair => pair.First.First, pair => pair.Second);
        return [.. keys.Select(key => given[key])];
    }

    public IReadOnlyList<JudgeUse> TakeUse()
    {
        lock (_uses)
        {
            var taken = JudgeUse.Sum(_uses);
            _uses.Clear();
            return taken;
        }
    }

    private async Task<string> VerdictAsync(string key, ModelRequest.Judge request, CancellationToken cancellation)
    {
        if (_cache.Find(key) is { } kept)
        {
            Count(kept.Model, requests: 0, cached: 1, 0, 0);
            return kept.Text;
        }
        var answer = await _tries.ExecuteAsync(async stop =>
        {
            await _waits.WaitAsync(TokenEstimate.OfPrompt(request) + request.MaxTokens, stop);
            return await _client.AskAsync(request, stop);
        }, cancellation);
        switch (answer)
        {
            case EndpointAnswer.Verdict verdict:
                return Keep(key, request, verdict);
            case EndpointAnswer.TooLong:
                Count(_address.Model, requests: 1, cached: 0, 0, 0);
                return TooLong;
            case EndpointAnswer.Refused refused:
                throw new BadInputException(_address.Base.AbsoluteUri, refused.Why, refused.Fix);
            case EndpointAnswer.Later later:
                var waited = later.Asked > _limits.LongestAsked ? $", and asks to wait {NumberText.Duration(later.Asked.Value.TotalSeconds)}" : $", {_limits.Tries} times in a row";
                throw new BadInputException(_address.Base.AbsoluteUri, $"{later.Why}{waited}", _directory is null
                    ? "start again later; with --judge-cache DIR no verdict is asked for twice"
                    : $"start again later: the verdicts so far are in {_directory} and are not asked for again");
            default:
                throw new NotSupportedException(answer.GetType().Name);
        }
    }

    private string Keep(string key, ModelRequest.Judge request, EndpointAnswer.Verdict verdict)
    {
        if (verdict.Model is not { } model || !_address.IsAnsweredBy(model))
            throw new BadInputException(_address.Base.AbsoluteUri, verdict.Model is null ? "does not say which model has answered" : $"answers as {verdict.Model}, but was asked for {_address.Model}",
                verdict.Model is null ? "use an endpoint that does: a number without its judge is worth nothing" : $"write #{verdict.Model} if that is the judge you want");
        var (prompt, completion) = (verdict.PromptTokens ?? TokenEstimate.OfPrompt(request), verdict.CompletionTokens ?? TokenEstimate.OfText(verdict.Text));
        var body = JsonSerializer.Deserialize<JsonElement>(EndpointClient.Body(_address.Model, request));
        _cache.Keep(new VerdictCache.Entry(key, _address.Base.AbsoluteUri, body, model, verdict.Text, prompt, completion));
        Count(model, requests: 1, cached: 0, prompt, completion);
        return verdict.Text;
    }

    private void Count(string model, int requests, int cached, long promptTokens, long completionTokens)
    {
        var use = new JudgeUse(_role, JudgeIdentity.OfEndpoint(model, _address.Base), requests, cached, promptTokens, completionTokens)
        {
            Cost = _prices.Of(model, promptTokens, completionTokens),
        };
        lock (_uses) _uses.Add(use);
    }
}
