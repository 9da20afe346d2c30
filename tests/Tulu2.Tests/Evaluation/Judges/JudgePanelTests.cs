using Tulu2.Data.Rows;
using Tulu2.Evaluation.Judges;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;
using Tulu2.Tests.Evaluation.Judges.Server;
using Xunit;

namespace Tulu2.Tests.Evaluation.Judges;

public sealed class JudgePanelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tulu2-panel-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Each_request_goes_to_the_judge_of_its_role()
    {
        using LoopbackJudge pairs = new(call => new JudgeReply.Verdict($"pairs {call.Prompt}", "a")), others = new(call => new JudgeReply.Verdict($"others {call.Prompt}", "b"));
        var panel = new JudgePanel(JudgeSpec.Read([$"pairs={pairs.Address}#a", $"{others.Address}#b"]), new JudgeSettings());
        panel.Require("alpaca_eval", ["pairs", "grades"]);
        Assert.Equal(["pairs 1", "others 2", "pairs 3"], panel.Verdicts([Request("pairs", "1"), Request("grades", "2"), Request("pairs", "3")], CancellationToken.None));
        Assert.Equal([("grades", 1), ("pairs", 2)], panel.TakeUse().Select(use => (use.Role, use.Requests)));
    }

    [Fact]
    public void A_key_file_is_used_and_a_bad_one_is_named()
    {
        var file = Path.Combine(_folder, "key");
        File.WriteAllText(file, "from-file\n");
        using var server = new LoopbackJudge(_ => new JudgeReply.Verdict("x", "a"));
        Panel(file).Verdicts([Request("pairs", "1")], CancellationToken.None);
        Assert.Equal("Bearer from-file", server.Calls.Single().Authorization);
        File.WriteAllText(file, "two keys");
        Assert.Equal(file, Assert.Throws<BadInputException>(() => Panel(file).Require("x", ["pairs"])).Where);
        Assert.Throws<BadInputException>(() => Panel(file + "-missing").Require("x", ["pairs"]));

        JudgePanel Panel(string key) => new(JudgeSpec.Read([$"pairs={server.Address}#a"]), new JudgeSettings { KeyFile = key });
    }

    [Theory]
    [InlineData("https://host/v1", "names no model")]
    [InlineData("pairs=https://host/v1#", "names no model")]
    [InlineData("pairs=https:///v1#m", "is not the address of an endpoint")]
    [InlineData("pairs=https://me:secret@host/v1#m", "has a password in its address")]
    [InlineData("pairs=gpt-4", "is not a judge that this program knows")]
    [InlineData("pairs=ftp://host#m", "is not a judge that this program knows")]
    [InlineData("pairs=replay:", "names no file")]
    [InlineData("pairs=replay:/no/such/file", "")]
    public void A_judge_that_cannot_be_used_is_an_error_before_anything_is_asked(string value, string expected)
    {
        var fault = Assert.Throws<BadInputException>(() => new JudgePanel(JudgeSpec.Read([value]), new JudgeSettings()).Require("alpaca_eval", ["pairs"]));
        Assert.Contains(expected, fault.Message);
        Assert.DoesNotContain("secret", fault.Message);
    }

    [Fact]
    public void A_role_without_a_judge_and_one_with_two_are_errors()
    {
        var fault = Assert.Throws<BadInputException>(() => new JudgePanel(JudgeSpec.Read(["pairs=https://host/v1#m"]), new JudgeSettings()).Require("mt_bench", ["grades"]));
        Assert.Contains("--judge grades=", fault.Fix);
        Assert.Throws<BadInputException>(() => JudgeSpec.Read(["pairs=https://host/v1#m", "pairs=https://host/v1#n"]));
    }

    [Fact]
    public void Kept_verdicts_and_judgments_are_replayed()
    {
        var cache = Path.Combine(_folder, "cache");
        using (var server = new LoopbackJudge(call => new JudgeReply.Verdict($"on {call.Prompt}", "gpt-4-0613")))
            new JudgePanel(JudgeSpec.Read([$"pairs={server.Address}#gpt-4"]), new JudgeSettings { Cache = cache }).Verdicts([Request("pairs", "one"), Request("pairs", "two")], CancellationToken.None);
        var panel = new JudgePanel(JudgeSpec.Read([$"pairs=replay:{cache}"]), new JudgeSettings());
        Assert.Equal(["on two", "on one"], panel.Verdicts([Request("pairs", "two"), Request("pairs", "one")], CancellationToken.None));
        var use = Assert.Single(panel.TakeUse());
        Assert.StartsWith("gpt-4-0613@127.0.0.1:", use.Judge);
        Assert.Equal((0, 2), (use.Requests, use.Cached));
        var fault = Assert.Throws<BadInputException>(() => panel.Verdicts([Request("pairs", "three")], CancellationToken.None));
        Assert.Contains("begins 'three'", fault.Message);

        var judgments = Path.Combine(_folder, "judgments.jsonl");
        File.WriteAllText(judgments, """{"question_id": 81, "judge": ["gpt-4", "single-v1"], "user_prompt": "one", "judgment": "[[8]]", "score": 8, "turn": 1}""" + "\n");
        panel = new JudgePanel(JudgeSpec.Read([$"replay:{judgments}"]), new JudgeSettings());
        Assert.Equal(["[[8]]"], panel.Verdicts([Request("grades", "one")], CancellationToken.None));
        Assert.Equal("stored:gpt-4", Assert.Single(panel.TakeUse()).Judge);
    }

    [Theory]
    [InlineData("gpt-4-0613@api.openai.com", true)]
    [InlineData("gpt-4@api.openai.com", true)]
    [InlineData("gpt-4-0613@api.openai.com+gpt-4-0314@api.openai.com", true)]
    [InlineData("gpt-4@mine.openai.azure.com", true)]
    [InlineData("stored:alpaca_eval_gpt4", true)]
    [InlineData("stored:gpt-4", true)]
    [InlineData("gpt-4@127.0.0.1:8000", false)]
    [InlineData("gpt-4@localhost", false)]
    [InlineData("gpt-4@api.openai.com.evil.org", false)]
    [InlineData("gpt-4@evilopenai.azure.com", false)]
    [InlineData("gpt-4-turbo@api.openai.com", false)]
    [InlineData("gpt-4o@api.openai.com", false)]
    [InlineData("gpt-4-0613@api.openai.com+llama@localhost", false)]
    [InlineData("stored:weighted_alpaca_eval_gpt4_turbo", false)]
    [InlineData("stored:unknown", false)]
    [InlineData("replay:gpt-4", false)]
    [InlineData("https://api.openai.com/v1#gpt-4", false)]
    [InlineData("", false)]
    public void Only_gpt_4_itself_stands_in_the_papers_column(string judge, bool expected) => Assert.Equal(expected, JudgeIdentity.IsPapersGpt4(judge));

    private static ModelRequest.Judge Request(string role, string text) => new([new Message(Message.User, text)]) { Role = role };
}
