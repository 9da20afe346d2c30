using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Xunit;

namespace Tulu2.Tests.Data.Rows;

public sealed class PreferenceReaderTests : IDisposable
{
    private const string UserA = """{"role":"user","content":"a"}""";
    private const string GoodAnswer = """{"role":"assistant","content":"good"}""";
    private const string BadAnswer = """{"role":"assistant","content":"bad"}""";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("""{"prompt":"a","chosen":"good","rejected":"bad","score":1}""")]
    [InlineData($$"""{"prompt":"a","chosen":[{{UserA}},{{GoodAnswer}}],"rejected":[{{UserA}},{{BadAnswer}}]}""")]
    [InlineData($$"""{"chosen":[{{UserA}},{{GoodAnswer}}],"rejected":[{{UserA}},{{BadAnswer}}]}""")]
    [InlineData($$"""{"prompt":"a","chosen":[{{GoodAnswer}}],"rejected":[{{BadAnswer}}]}""")]
    [InlineData($$"""{"prompt":[{{UserA}}],"chosen":[{{GoodAnswer}}],"rejected":[{{BadAnswer}}]}""")]
    [InlineData($$"""{"prompt":[{{UserA}}],"chosen":[{{UserA}},{{GoodAnswer}}],"rejected":[{{UserA}},{{BadAnswer}}]}""")]
    [InlineData($$"""{"prompt":[{{UserA}}],"chosen":"good","rejected":"bad"}""")]
    public void Every_form_gives_the_same_pair(string row)
    {
        var pair = Assert.Single(RowReader.ReadPreferences(folder.Write("pairs.jsonl", row))).Row!;
        Assert.Equal([new Message("user", "a"), new Message("assistant", "good")], pair.Chosen);
        Assert.Equal([new Message("user", "a"), new Message("assistant", "bad")], pair.Rejected);
    }

    [Theory]
    [InlineData("""{"prompt":"a","chosen":"b","rejected":" b\n"}""", "equal", RowFaultKind.Dirt)]
    [InlineData("""{"prompt":"a","chosen":" ","rejected":"b"}""", "the chosen answer is empty", RowFaultKind.Dirt)]
    [InlineData("""{"prompt":"a","chosen":"b","rejected":""}""", "the rejected answer is empty", RowFaultKind.Dirt)]
    [InlineData("""{"prompt":"a","chosen":"b"}""", "no rejected answer", RowFaultKind.Broken)]
    [InlineData("""{"chosen":"a","rejected":"b"}""", "there is no prompt", RowFaultKind.Broken)]
    [InlineData($$"""{"chosen":[{{GoodAnswer}}],"rejected":[{{BadAnswer}}]}""", "there is no prompt", RowFaultKind.Broken)]
    [InlineData($$"""{"chosen":[{{UserA}}],"rejected":[{{UserA}}]}""", "does not end with an assistant turn", RowFaultKind.Broken)]
    [InlineData($$"""{"prompt":"x","chosen":[{{UserA}},{{GoodAnswer}}],"rejected":"b"}""", "does not hold the prompt", RowFaultKind.Broken)]
    [InlineData($$"""{"prompt":"a","chosen":[{{UserA}},{{GoodAnswer}},{{UserA}},{{GoodAnswer}}],"rejected":"b"}""", "same prompt", RowFaultKind.Broken)]
    [InlineData("""{"prompt":3,"chosen":"a","rejected":"b"}""", "prompt is a number", RowFaultKind.Broken)]
    public void A_bad_pair_is_told_with_its_reason_and_kind(string row, string reason, RowFaultKind kind)
    {
        var fault = Assert.Single(RowReader.ReadPreferences(folder.Write("pairs.jsonl", row))).Fault!;
        Assert.Contains(reason, fault.Reason);
        Assert.Equal(kind, fault.Kind);
        Assert.Equal(1, fault.Location.Line);
    }

    [SkippableFact]
    public void The_dirty_rows_of_the_real_pairs_are_the_ones_the_index_names()
    {
        var results = RowReader.ReadPreferences(ReferenceData.Require("ultrafeedback", "train_clean.jsonl.gz")).ToList();
        Assert.Equal(1000, results.Count);
        var faults = results.Where(result => result.Fault is not null).Select(result => result.Fault!).ToList();
        // The index counts rows from 0; locations count lines from 1.
        Assert.Equal([306L, 478, 655, 833, 910, 997], faults.Select(fault => fault.Location.Line - 1));
        Assert.All(faults, fault => Assert.Equal(RowFaultKind.Dirt, fault.Kind));
        Assert.Contains("rejected answer is empty", faults[1].Reason);
        Assert.Contains("chosen answer is empty", faults[3].Reason);
        Assert.Contains("equal", faults[0].Reason);
    }
}
