using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Data.Rows;

public sealed class RowKindTests : IDisposable
{
    private const string Row = """{"messages":[{"role":"assistant","content":"b"}]}""";
    private const string Pair = """{"prompt":"a","chosen":"b","rejected":"c"}""";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(Row, RowKind.Messages)]
    [InlineData(Pair, RowKind.Preferences)]
    [InlineData("""{"chosen":"b","rejected":"c","messages":[]}""", RowKind.Preferences)]
    [InlineData("""{"prompt":"a","chosen":"b"}""", RowKind.Preferences)]
    [InlineData("""{"messages":3}""", RowKind.Messages)]
    [InlineData("""{"messages":[],"chosen":1}""", RowKind.Messages)]
    public void A_row_tells_its_kind_by_its_keys_whether_or_not_it_can_be_used(string row, RowKind kind) =>
        Assert.Equal(kind, RowKinds.Of(folder.Write("rows.jsonl", row + "\n")));

    [Fact]
    public void The_first_row_that_tells_decides_however_many_bad_ones_stand_before_it()
    {
        var bad = string.Concat(Enumerable.Repeat("{}\nnothing\n\n3\n", 200));
        Assert.Equal(RowKind.Preferences, RowKinds.Of(folder.Write("rows.jsonl", $"{bad}{Pair}\n{Row}\n")));
        Assert.Null(RowKinds.Find(folder.Write("none.jsonl", bad)));
        Assert.Equal(RowKind.Messages, RowKinds.Of(folder.Write("blank.jsonl", "\n")));
    }

    [Fact]
    public void Files_of_two_kinds_are_refused_and_both_named()
    {
        string rows = folder.Write("rows.jsonl", Row), pairs = folder.Write("pairs.jsonl", Pair);
        var failure = Assert.Throws<BadInputException>(() => RowKinds.Of(rows, pairs));
        Assert.Equal(pairs, failure.Where);
        Assert.Contains(rows, failure.What);
    }
}
