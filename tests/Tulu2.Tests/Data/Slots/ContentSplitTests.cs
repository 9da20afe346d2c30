using FsCheck.Xunit;
using Tulu2.Data.Slots;
using Tulu2.Tests.Training.Runs;
using Xunit;

namespace Tulu2.Tests.Data.Slots;

public class ContentSplitTests
{
    [Property(MaxTest = 100)]
    public bool A_row_is_on_the_side_of_its_content_wherever_it_stands_and_a_larger_share_keeps_the_rows_of_a_smaller(byte rows, byte share, bool pairs)
    {
        var (perItem, part) = (pairs ? 2 : 1, share / 256.0);
        var source = new DrawnSequences(2 * (2 + rows), 60);
        var all = ContentSplit.Hashes(source, perItem);
        // Some of the rows, in another order: the numbers of the others say nothing.
        int[] some = [.. Enumerable.Range(0, all.Length).Where(item => item % 3 != 1).Reverse()];
        return ContentSplit.Hashes(new SelectedTokens(source, some, perItem), perItem).SequenceEqual(some.Select(item => all[item]))
            && all.All(hash => !ContentSplit.IsIn(hash, part) || ContentSplit.IsIn(hash, part + 1 / 256.0));
    }

    [Fact]
    public void A_share_is_about_that_of_the_rows_and_equal_rows_are_on_one_side()
    {
        var hashes = ContentSplit.Hashes(new DrawnSequences(4000, 60), 1);
        Assert.InRange(hashes.Count(hash => ContentSplit.IsIn(hash, 0.1)), 340, 460);
        Assert.DoesNotContain(hashes, hash => ContentSplit.IsIn(hash, 0));
        Assert.All(hashes, hash => Assert.True(ContentSplit.IsIn(hash, 1)));

        // Of pairs, where one side ends is part of the content.
        (int[], int[]) Row(params int[] ids) => (ids, [.. ids.Select(_ => 1)]);
        var pairs = ContentSplit.Hashes(new DrawnSequences([Row(1, 2, 3), Row(4, 5), Row(1, 2), Row(3, 4, 5), Row(1, 2, 3), Row(4, 5)]), 2);
        Assert.Equal(pairs[0], pairs[2]);
        Assert.NotEqual(pairs[0], pairs[1]);
    }
}
