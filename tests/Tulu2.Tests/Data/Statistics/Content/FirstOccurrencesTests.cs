using FsCheck.Xunit;
using Tulu2.Data.Statistics.Content;
using Xunit;

namespace Tulu2.Tests.Data.Statistics.Content;

public class FirstOccurrencesTests
{
    [Property(MaxTest = 200)]
    public void Each_content_is_found_at_its_first_row(byte[] contents)
    {
        var (table, known) = (new FirstOccurrences(), new Dictionary<byte, long>());
        for (var row = 0; row < contents.Length; row++)
        {
            // Also contents that differ in the upper half only, and one whose bits are all 0.
            var found = table.FindOrAdd((UInt128)contents[row] << 120, row);
            Assert.Equal(known.TryGetValue(contents[row], out var first) ? first : null, found);
            known.TryAdd(contents[row], row);
        }
    }

    [Fact]
    public void Contents_are_found_again_after_the_table_has_grown()
    {
        var table = new FirstOccurrences();
        static UInt128 Content(long row) => new((ulong)row * 0x9E3779B97F4A7C15, (ulong)row << 40);
        for (var row = 0L; row < 100_000; row++) Assert.Null(table.FindOrAdd(Content(row), row));
        for (var row = 0L; row < 100_000; row++) Assert.Equal(row, table.FindOrAdd(Content(row), row + 100_000));
    }
}
