using FsCheck;
using FsCheck.Xunit;
using Tulu2.Evaluation.Generation;
using Xunit;

namespace Tulu2.Tests.Evaluation.Generation;

public class StopScannerTests
{
    [Fact]
    public void A_stop_string_cut_across_pieces_never_leaks()
    {
        var scanner = new StopScanner(["<|user|>"]);
        Assert.Equal("fine", scanner.Push("fine<"));
        Assert.Equal("", scanner.Push("|us"));
        Assert.False(scanner.Stopped);
        Assert.Equal("", scanner.Push("er|>more"));
        Assert.True(scanner.Stopped);
        Assert.Equal("", scanner.Push("and more"));
        Assert.Equal("", scanner.Flush());
    }

    [Fact]
    public void What_only_looked_like_a_stop_string_comes_out_after_all()
    {
        var scanner = new StopScanner(["abc"]);
        Assert.Equal("x", scanner.Push("xab"));
        Assert.Equal("ab", scanner.Push("ab"));
        Assert.Equal("ab", scanner.Flush());
    }

    [Fact]
    public void The_first_of_several_ends_the_text() => Assert.Equal("a", new StopScanner(["c", "bc"]).Push("abcd"));

    [Property]
    public bool However_the_text_is_cut_what_comes_out_ends_before_the_first_stop_string(NonEmptyArray<byte> letters, PositiveInt cut, byte stopSeed)
    {
        // A two-letter alphabet makes overlapping beginnings likely.
        var text = string.Concat(letters.Get.Select(b => b % 2 == 0 ? 'a' : 'b'));
        string[] stops = [Convert.ToString(stopSeed | 4, 2).Replace('0', 'a').Replace('1', 'b'), "abba"];
        var at = stops.Select(s => text.IndexOf(s, StringComparison.Ordinal)).Where(i => i >= 0).DefaultIfEmpty(text.Length).Min();
        var scanner = new StopScanner(stops);
        var shown = string.Concat(text.Chunk(cut.Get % 5 + 1).Select(piece => scanner.Push(new string(piece)))) + scanner.Flush();
        // Cut finely, the stop string that is complete first wins; cut coarsely, the one that begins first.
        return shown == text[..at] || (cut.Get % 5 + 1 < stops.Max(s => s.Length) && text.StartsWith(shown, StringComparison.Ordinal)
            && stops.All(s => !shown.Contains(s, StringComparison.Ordinal)) && stops.Any(s => text.AsSpan(shown.Length).StartsWith(s)));
    }
}
