using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Benchmarks.ToxiGen;
using Tulu2.Evaluation.Benchmarks.TruthfulQa;
using Tulu2.Evaluation.Judges;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Evaluation.Judges;

/// <summary>Classifiers and next-token judges on a server of this process: <c>predict:</c> and <c>completions:</c>.</summary>
public sealed class HttpJudgeTests : IDisposable
{
    private static readonly JudgeSettings Settings = new() { Limits = new JudgeLimits { Tries = 3, FirstWait = TimeSpan.FromMilliseconds(1), LongestWait = TimeSpan.FromMilliseconds(5) } };

    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<(int Status, string Body)> _answers = new();
    private readonly ConcurrentQueue<(string Path, JsonElement Body)> _asked = new();
    private readonly string _root;

    public HttpJudgeTests()
    {
        using (var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            _root = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}";
        }
        _listener.Prefixes.Add($"{_root}/");
        _listener.Start();
        new Thread(Serve) { IsBackground = true }.Start();
    }

    public void Dispose() => _listener.Close();

    [Fact]
    public void A_classifier_is_asked_again_where_it_is_busy_and_its_larger_class_counts()
    {
        _answers.Enqueue((429, ""));
        _answers.Enqueue((200, """[[{"label": "LABEL_1", "score": 0.9}, {"label": "LABEL_0", "score": 0.1}]]"""));
        _answers.Enqueue((200, """[{"label": "neutral", "score": 0.75}, {"label": "toxic", "score": 0.25}]"""));
        var panel = Panel($"toxicity=predict:{_root}/predict#tomh/toxigen_roberta");
        var verdicts = panel.Verdicts([Request("toxicity", "one"), Request("toxicity", "two")], default).Select(text => ToxicityVerdict.Parse(text, "x")).ToList();
        Assert.Equal([(true, 0.9), (false, 0.25)], verdicts.Select(verdict => (verdict.IsToxic, verdict.Probability!.Value)));
        Assert.Equal(["one", "one", "two"], _asked.Select(asked => asked.Body.GetProperty("inputs").GetString()));
        Assert.All(_asked, asked => Assert.Equal("/predict", asked.Path));
        Assert.Equal(("toxicity", "endpoint:tomh/toxigen_roberta", 2), panel.TakeUse().Select(use => (use.Role, use.Judge, use.Requests)).Single());
    }

    [Fact]
    public void A_judge_of_truth_gives_the_probability_of_yes_as_the_first_token()
    {
        _answers.Enqueue((200, JsonSerializer.Serialize(new { choices = new[] { new { logprobs = new { top_logprobs = new[] { new Dictionary<string, double> { [" yes"] = Math.Log(0.75), [" no"] = -2 } } } } } })));
        var panel = Panel($"truth=completions:{_root}/v1#judge");
        var verdict = YesVerdict.Parse(panel.Verdicts([Request("truth", "Q: a\nA: b\nTrue:")], default).Single(), "x");
        Assert.Equal(0.75, verdict.Probability, 1e-12);
        var (path, body) = Assert.Single(_asked);
        Assert.Equal(("/v1/completions", "judge", "Q: a\nA: b\nTrue:", 1), (path, body.GetProperty("model").GetString(), body.GetProperty("prompt").GetString(), body.GetProperty("max_tokens").GetInt32()));
    }

    [Theory]
    [InlineData(401, "{}", "401")]
    [InlineData(503, "", "503")]
    [InlineData(200, "not json", "answer with")]
    [InlineData(200, "{\"choices\": []}", "answer with")]
    public void What_is_no_answer_ends_with_the_address_and_a_fix(int status, string body, string complaint)
    {
        for (var i = 0; i < 6; i++) _answers.Enqueue((status, body));
        foreach (var judge in new[] { $"truth=completions:{_root}/v1#judge", $"truth=predict:{_root}/predict" })
        {
            var fault = Assert.Throws<BadInputException>(() => Panel(judge).Verdicts([Request("truth", "x")], default));
            Assert.StartsWith(_root, fault.Where);
            Assert.Contains(complaint.Split(' ')[0], fault.What);
        }
    }

    [Theory]
    [InlineData("truth=completions:http://host/v1")]
    [InlineData("truth=completions:nowhere#m")]
    [InlineData("toxicity=predict:nowhere")]
    public void An_address_that_is_none_is_refused_before_anything_is_asked(string judge)
    {
        var role = judge.Split('=')[0];
        Assert.Throws<BadInputException>(() => Panel(judge).Require("benchmark", [role]));
    }

    private static JudgePanel Panel(string judge) => new(JudgeSpec.Read([judge]), Settings);

    private static ModelRequest.Judge Request(string role, string text) => new([new Message(Message.User, text)]) { Role = role, MaxTokens = 1 };

    private void Serve()
    {
        while (true)
        {
            try
            {
                var context = _listener.GetContext();
                using var reader = new StreamReader(context.Request.InputStream, Encoding.UTF8);
                _asked.Enqueue((context.Request.Url!.AbsolutePath, JsonDocument.Parse(reader.ReadToEnd()).RootElement));
                var (status, body) = _answers.TryDequeue(out var next) ? next : (500, "");
                context.Response.StatusCode = status;
                context.Response.Close(Encoding.UTF8.GetBytes(body), willBlock: true);
            }
            catch (Exception fault) when (fault is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }
        }
    }
}
