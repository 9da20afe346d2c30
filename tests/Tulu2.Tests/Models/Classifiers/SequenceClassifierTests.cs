using System.Text.Json;
using Tulu2.Data.Tokenizers;
using Tulu2.Files;
using Tulu2.Models.Classifiers;
using Tulu2.Tests.Checkpoints.TorchFiles;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Models.Classifiers;

public sealed class SequenceClassifierTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Logits_are_those_of_Hugging_Faces_own_model()
    {
        TinyRoberta.Write(_folder.Root);
        using var weights = RobertaWeights.Read(_folder.Root, RobertaConfig.Read(_folder.Root));
        var rows = File.ReadLines(Checkout.Path("tests", "Tulu2.Tests", "Golden", "roberta", "logits.jsonl"))
            .Select(line => JsonSerializer.Deserialize<Row>(line, JsonSerializerOptions.Web)!).ToList();
        Assert.Equal(7, rows.Count);
        // Alone, and all in one batch.
        foreach (var batch in rows.Select(row => new[] { row }).Append([.. rows]))
        {
            using var logits = RobertaEncoder.Logits(TinyRoberta.Config, weights, [.. batch.Select(row => row.Ids)]);
            AssertClose([.. batch.SelectMany(row => row.Logits)], logits.data<float>().ToArray(), 2e-5);
        }
    }

    [Fact]
    public void The_config_is_read_as_it_is_written()
    {
        TinyRoberta.Write(_folder.Root);
        var read = RobertaConfig.Read(_folder.Root);
        Assert.Equal(TinyRoberta.Config.Labels, read.Labels);
        Assert.Equal(TinyRoberta.Config, read with { Labels = TinyRoberta.Config.Labels });
        Assert.Equal(40, read.MaxLength);
    }

    [Fact]
    public void A_texts_logits_do_not_depend_on_the_others()
    {
        TinyRoberta.Write(_folder.Root);
        using var classifier = SequenceClassifier.Load(_folder.Root);
        var texts = Enumerable.Range(0, 150).Select(number => string.Concat(Enumerable.Repeat($"the {number} and ", number % 30))).ToList();
        var together = classifier.Logits(texts);
        for (var at = 0; at < texts.Count; at += 7)
            AssertClose([.. together[at].Select(value => (double)value)], classifier.Logits([texts[at]])[0], 1e-5);
        Assert.Equal(together.Select(logits => Array.IndexOf(logits, logits.Max())), classifier.Classify(texts));
        Assert.Empty(classifier.Logits([]));
    }

    [Fact]
    public void A_long_text_is_cut_at_the_models_positions()
    {
        TinyRoberta.Write(_folder.Root);
        using var classifier = SequenceClassifier.Load(_folder.Root);
        Assert.Equal(40, classifier.MaxLength);
        var tokenizer = ByteLevelBpeTokenizer.Load(_folder.Root);
        var text = string.Concat(Enumerable.Repeat("z", 38));
        Assert.Equal(40, tokenizer.EncodeSequence(text, 512).Length);
        Assert.Equal(classifier.Logits([text])[0], classifier.Logits([text + "zzz the end"])[0]);
        Assert.NotEqual(classifier.Logits([text])[0], classifier.Logits([text[1..]])[0]);
    }

    [Fact]
    public void A_padding_token_in_a_text_takes_no_position()
    {
        Assert.Equal([2L, 3, 1, 1, 4, 5], RobertaEncoder.Positions([0, 9, 1, 1, 8, 2], padId: 1));
        Assert.Equal([2L, 3], RobertaEncoder.Positions([0, 2], padId: 1));
    }

    [Fact]
    public void Pickled_weights_give_the_same_logits()
    {
        TinyRoberta.Write(_folder.Root);
        using var expected = SequenceClassifier.Load(_folder.Root);
        TorchWriter.Convert(_folder.File("model.safetensors"), _folder.File("pytorch_model.bin"));
        File.Delete(_folder.File("model.safetensors"));
        using var pickled = SequenceClassifier.Load(_folder.Root);
        Assert.Equal(expected.Logits(["the end"])[0], pickled.Logits(["the end"])[0]);
        Assert.NotEqual(expected.Id, pickled.Id);
        Assert.Equal($"{Path.GetFileName(_folder.Root)}@", pickled.Id[..^12]);
    }

    [Fact]
    public void A_class_has_its_softmax_probability()
    {
        Assert.Equal(0.5, SequenceClassifier.Probability([1f, 1f], 1));
        Assert.Equal(1 / (1 + Math.E), SequenceClassifier.Probability([1001f, 1000f], 1), 1e-12);
    }

    [Theory]
    [InlineData("model_type", "\"bert\"", "not roberta")]
    [InlineData("architectures", "[\"RobertaForMaskedLM\"]", "no sequence classifier")]
    [InlineData("hidden_act", "\"relu\"", "not supported")]
    [InlineData("position_embedding_type", "\"relative_key\"", "not supported")]
    [InlineData("num_attention_heads", "5", "does not divide")]
    [InlineData("hidden_size", "\"x\"", "no number")]
    [InlineData("id2label", "{\"0\": \"a\", \"5\": \"b\"}", "has no class 1 of 2")]
    [InlineData("max_position_embeddings", "3", "no room")]
    [InlineData("num_hidden_layers", "4", "holds no tensor roberta.encoder.layer.3.attention.self.query.weight")]
    [InlineData("intermediate_size", "64", "has the shape [96, 48], but config.json asks for [64, 48]")]
    [InlineData("vocab_size", "299", "its tokenizer has 300 ids")]
    public void A_model_of_another_kind_is_refused(string key, string value, string what)
    {
        TinyRoberta.Write(_folder.Root, config => config[key] = System.Text.Json.Nodes.JsonNode.Parse(value));
        Assert.Contains(what, Assert.Throws<BadInputException>(() => SequenceClassifier.Load(_folder.Root)).What);
    }

    [Fact]
    public void Broken_weights_give_no_class()
    {
        TinyRoberta.Write(_folder.Root, weight: (name, value) => name == "classifier.out_proj.bias" ? float.NaN : value);
        using var classifier = SequenceClassifier.Load(_folder.Root);
        Assert.Throws<NonFiniteException>(() => classifier.Classify(["a"]));
    }

    private static void AssertClose(double[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        foreach (var (one, other) in expected.Zip(actual)) Assert.InRange(other, one - tolerance, one + tolerance);
    }

    private sealed record Row(int[] Ids, double[] Logits);
}
