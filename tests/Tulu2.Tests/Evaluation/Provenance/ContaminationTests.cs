using System.Text;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Provenance;
using Tulu2.Files;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Evaluation.Provenance;

public sealed class ContaminationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("hf://datasets/HuggingFaceH4/ultrafeedback_binarized")]
    [InlineData("openbmb/UltraFeedback")]
    [InlineData("data/ultra-feedback.jsonl.gz")]
    [InlineData("ultrafeedback/train.jsonl")]
    [InlineData("Ultra Feedback: prefs/a.jsonl")]
    public void TruthfulQA_is_withheld_where_a_stage_was_trained_on_UltraFeedback(string data)
    {
        var provenance = new ModelProvenance([new("sft", [new("tulu/mix.jsonl")]), new("dpo", [new("x/y.jsonl"), new(data)])]);
        foreach (var name in new[] { "truthfulqa", "truthfulqa_mc" })
        {
            var reason = Contamination.Reason(BenchmarkCatalogue.Named(name), provenance);
            Assert.StartsWith("the model was trained on UltraFeedback, which has TruthfulQA's questions", reason);
            Assert.Contains($"dpo on {data}", reason);
        }
        Assert.Null(Contamination.Reason(BenchmarkCatalogue.Named("toxigen"), provenance));
        Assert.Null(Contamination.Reason(BenchmarkCatalogue.Named("exact_match"), provenance));
    }

    [Fact]
    public void It_is_not_withheld_from_others()
    {
        var benchmark = BenchmarkCatalogue.Named("truthfulqa");
        Assert.Null(Contamination.Reason(benchmark, ModelProvenance.Unknown));
        Assert.Null(Contamination.Reason(benchmark, new ModelProvenance([new("dpo", [new("hh/feedback.jsonl"), new("ultrachat/x.jsonl")])])));
    }

    [Fact]
    public void A_file_is_read_as_it_is_written()
    {
        var provenance = new ModelProvenance([new("sft", [new("a/b.jsonl", 12, "ab")]), new("dpo", [new("hf://datasets/x/y")])]);
        Assert.Empty(ProvenanceFile.Of(_folder.Root).Stages);
        ProvenanceFile.Write(_folder.Root, ModelProvenance.Unknown);
        Assert.False(File.Exists(_folder.File(ProvenanceFile.Name)));
        ProvenanceFile.Write(_folder.Root, provenance);
        var read = ProvenanceFile.Of(_folder.Root);
        Assert.Equal(ProvenanceFile.Content(provenance), ProvenanceFile.Content(read));
        Assert.Equal(2, read.Stages.Count);
        Assert.Contains("\"sha256\": \"ab\"", Encoding.UTF8.GetString(ProvenanceFile.Content(read)));
        Assert.Equal(2, ModelProvenance.Joined([read, provenance]).Stages.Count);
        Assert.Equal(3, ModelProvenance.Joined([read]).Then(new("sft", [])).Stages.Count);
    }

    [Theory]
    [InlineData("---\nlicense: x\ndatasets:\n- HuggingFaceH4/ultrafeedback_binarized\n- allenai/tulu-v2-sft-mixture\nlanguage:\n- en\n---\n# Card\n- no data\n",
        2)]
    [InlineData("---\ndatasets: [\"a/b\", 'c/d']\nbase_model: x\n---\n", 2)]
    [InlineData("---\ndatasets:\n  - a/b\ntags:\n  - t\n---\n", 1)]
    [InlineData("---\nlicense: x\n---\ndatasets:\n- a/b\n", 0)]
    [InlineData("# Card\ndatasets:\n- a/b\n", 0)]
    [InlineData("", 0)]
    public void Data_sets_of_a_model_card_are_read(string card, int count)
    {
        _folder.Write("README.md", card);
        Assert.Equal(count, ProvenanceFile.Of(_folder.Root).Stages.Sum(stage => stage.Data.Count));
        Assert.Equal(card.Contains("ultrafeedback", StringComparison.Ordinal),
            Contamination.Reason(PaperColumn.TruthfulQa, ProvenanceFile.Of(_folder.Root)) is not null);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("{\"stages\": [{\"objective\": \"sft\"}]}")]
    [InlineData("null")]
    public void A_damaged_file_is_named(string content)
    {
        _folder.Write(ProvenanceFile.Name, content);
        Assert.EndsWith(ProvenanceFile.Name, Assert.Throws<BadInputException>(() => ProvenanceFile.Of(_folder.Root)).Where);
    }
}
