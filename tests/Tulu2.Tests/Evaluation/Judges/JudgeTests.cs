using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Benchmarks.ToxiGen;
using Tulu2.Evaluation.Benchmarks.TruthfulQa;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Judges;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Tulu2.Models.Classifiers;
using Tulu2.Tests.Data;
using Tulu2.Tests.Models.Classifiers;
using Tulu2.Tests.Models.Inference;
using Xunit;

namespace Tulu2.Tests.Evaluation.Judges;

public sealed class JudgeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_local_classifier_says_the_class_of_the_larger_logit_and_its_probability()
    {
        WriteTwoClasses();
        using var judge = new ClassifierJudge(_folder.Root);
        using var classifier = SequenceClassifier.Load(_folder.Root);
        Assert.Equal($"local:{classifier.Id}", judge.Id);
        string[] texts = ["", "the and", "hello there", "123 123", "aaaa"];
        var verdicts = judge.Verdicts([.. texts.Select(text => Request("toxicity", text))], default).Select(verdict => ToxicityVerdict.Parse(verdict, "x"))
            .ToList();
        foreach (var (verdict, logits) in verdicts.Zip(classifier.Logits(texts)))
        {
            Assert.Equal(logits[1] > logits[0], verdict.IsToxic);
            Assert.Equal(SequenceClassifier.Probability(logits, 1), verdict.Probability);
        }

        // The other way round.
        WriteTwoClasses((name, value) => name.StartsWith("classifier.out_proj", StringComparison.Ordinal) ? -value : value);
        using var opposite = new ClassifierJudge(_folder.Root);
        Assert.NotEqual(judge.Id, opposite.Id);
        var others = opposite.Verdicts([.. texts.Select(text => Request("toxicity", text))], default).Select(verdict => ToxicityVerdict.Parse(verdict, "x"));
        Assert.Equal(verdicts.Select(verdict => !verdict.IsToxic), others.Select(verdict => verdict.IsToxic));
    }

    [Fact]
    public void A_classifier_of_other_classes_is_refused()
    {
        TinyRoberta.Write(_folder.Root);
        Assert.Contains("fine, toxic, third", Assert.Throws<BadInputException>(() => new ClassifierJudge(_folder.Root)).What);
    }

    [Theory]
    [InlineData("[{\"label\": \"LABEL_1\", \"score\": 0.75}, {\"label\": \"LABEL_0\", \"score\": 0.25}]", "1 0.75")]
    [InlineData("[[{\"label\": \"LABEL_0\", \"score\": 0.75}, {\"label\": \"LABEL_1\", \"score\": 0.25}]]", "0 0.25")]
    [InlineData("[{\"label\": \"LABEL_0\", \"score\": 0.75}]", "0 0.25")]
    [InlineData("[{\"label\": \"toxic\", \"score\": 0.75}]", "1 0.75")]
    public void An_endpoint_answers_in_Hugging_Faces_form(string answer, string verdict)
    {
        using var server = new Answering(answer);
        using var client = new HttpClient(server);
        var judge = new ClassificationEndpoint(client, new Uri("http://localhost/predict"));
        Assert.Equal("endpoint:http://localhost/predict", judge.Id);
        Assert.Equal([verdict, verdict], judge.Verdicts([Request("toxicity", "a \"b\""), Request("toxicity", "")], default));
        Assert.Equal(["a \"b\"", " "], server.Asked.Select(body => (string)JsonNode.Parse(body)!["inputs"]!));
    }

    [Theory]
    [InlineData("{\"error\": \"loading\"}")]
    [InlineData("[]x")]
    [InlineData("[{\"name\": 1}]")]
    public void An_endpoint_that_answers_with_something_else_is_named(string answer)
    {
        using var server = new Answering(answer);
        using var client = new HttpClient(server);
        var judge = new ClassificationEndpoint(client, new Uri("http://localhost/predict"), "toxigen_roberta");
        Assert.Equal("endpoint:toxigen_roberta", judge.Id);
        Assert.Contains("classes and scores", Assert.Throws<BadInputException>(() => judge.Verdicts([Request("toxicity", "a")], default)).What);
    }

    [SkippableFact]
    public void A_local_judge_gives_the_probability_of_the_token_yes()
    {
        var directory = ReferenceData.Require("tinystories656K_hf");
        using var judge = YesJudge.Load(directory);
        Assert.StartsWith("local:tinystories656K_hf@", judge.Id);
        string[] texts = ["Q: Is it so?\nA: It is.\nTrue:", "Q: Why?\nA: So.\nHelpful:", "The dog said"];
        var together = judge.Verdicts([.. texts.Select(text => Request("truth", text))], default);
        Assert.All(together, verdict => Assert.InRange(YesVerdict.Parse(verdict, "x").Probability, double.Epsilon, 1));
        Assert.Equal(together, texts.Select(text => judge.Verdicts([Request("truth", text)], default)[0]));
        // The same number by another way: a continuation's log-probability.
        using var model = LoadedModel.Load(directory);
        using var generator = new TextGenerator(model);
        var yes = generator.EncodeContinuation(" yes")[^1];
        var logits = InferenceRun.Alone(model.Model, generator.EncodeRaw(texts[0]))[^model.Config.VocabularySize..];
        var expected = Math.Exp(logits[yes] - (double)logits.Max()) / logits.Sum(logit => Math.Exp(logit - (double)logits.Max()));
        Assert.Equal(expected, YesVerdict.Parse(together[0], "x").Probability, expected * 1e-4);
        var failure = Assert.Throws<BadInputException>(() => judge.Verdicts([Request("info", string.Concat(Enumerable.Repeat("long ", 5000)))], default));
        Assert.Equal("judge info", failure.Where);
    }

    [Fact]
    public void An_endpoint_judge_takes_yes_from_the_likeliest_tokens_and_nothing_where_it_is_not_among_them()
    {
        var client = new Tokens(
            new() { [" yes"] = Math.Log(0.75), [" no"] = Math.Log(0.25) }, new() { ["\u2581yes"] = Math.Log(0.5) }, new() { [" no"] = -0.001 },
            new() { ["yes"] = 0.0000001 });
        var judge = new YesEndpoint(client);
        Assert.Equal("endpoint:judge-7b", judge.Id);
        var verdicts = judge.Verdicts([.. ((string[])["a", "b", "c", "d"]).Select(text => Request("truth", text))], default)
            .Select(text => YesVerdict.Parse(text, "x").Probability).ToArray();
        Assert.Equal(0.75, verdicts[0], 1e-12);
        Assert.Equal([0.5, 0, 1], verdicts[1..]);
        Assert.Equal(["a", "b", "c", "d"], client.Asked);
    }

    [Fact]
    public void A_role_takes_the_model_of_its_kind_from_a_directory()
    {
        WriteTwoClasses();
        var panel = new JudgePanel(JudgeSpec.Read([$"toxicity=local:{_folder.Root}", $"truth=local:{_folder.Root}", "info=local:", $"pairs=local:{_folder.Root}"]), new JudgeSettings());
        panel.Require("toxigen", ["toxicity"]);
        using var judge = new ClassifierJudge(_folder.Root);
        Assert.Equal(judge.Verdicts([Request("toxicity", "the and")], default), panel.Verdicts([Request("toxicity", "the and")], default));
        Assert.Equal(new JudgeUse("toxicity", judge.Id, 1, 0, 0, 0), Assert.Single(panel.TakeUse()));
        Assert.Empty(panel.TakeUse());
        Assert.False(JudgeIdentity.IsPapersGpt4(judge.Id));
        // A classifier is no language model, and no local model compares answers.
        Assert.Throws<BadInputException>(() => panel.Require("truthfulqa", ["truth"]));
        Assert.Contains("names no directory", Assert.Throws<BadInputException>(() => panel.Require("truthfulqa", ["info"])).What);
        Assert.Contains("'pairs'", Assert.Throws<BadInputException>(() => panel.Require("alpaca_eval", ["pairs"])).What);
    }

    private static ModelRequest.Judge Request(string role, string text) => new([new Message(Message.User, text)]) { Role = role };

    private void WriteTwoClasses(Func<string, float, float>? weight = null) =>
        TinyRoberta.Write(_folder.Root, config => config["id2label"] = JsonNode.Parse("{\"0\": \"LABEL_0\", \"1\": \"LABEL_1\"}"), weight, labels: 2);

    private sealed class Tokens(params Dictionary<string, double>[] answers) : INextTokenClient
    {
        public IReadOnlyList<string> Asked { get; private set; } = [];

        public string Model => "judge-7b";

        public IReadOnlyList<IReadOnlyDictionary<string, double>> NextTokens(IReadOnlyList<string> prompts, int top, CancellationToken cancellation)
        {
            Asked = prompts;
            return answers;
        }
    }

    private sealed class Answering(string answer) : HttpMessageHandler
    {
        public List<string> Asked { get; } = [];

        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            using var reader = new StreamReader(request.Content!.ReadAsStream(cancellationToken));
            Asked.Add(reader.ReadToEnd());
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(answer, Encoding.UTF8, "application/json") };
        }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(Send(request, cancellationToken));
    }
}
