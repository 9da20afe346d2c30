using Tulu2.Models.Inference;

namespace Tulu2.Evaluation.Shards;

/// <summary>What the first shard tells the others to do, in words: all compute the same, each its part. Pure functions.</summary>
internal static class ShardWords
{
    private const int RunKind = 1, LogitsKind = 2;

    /// <summary><see cref="InferencePass.Run"/>.</summary>
    public static int[] Run(IReadOnlyList<SequencePart> parts)
    {
        var words = new List<int> { RunKind, parts.Count };
        foreach (var part in parts)
        {
            words.AddRange([part.First, part.Ids.Length, part.Pages.Count]);
            words.AddRange(part.Ids.Span);
            words.AddRange(part.Pages);
        }
        return [.. words];
    }

    /// <summary><see cref="InferencePass.Logits"/>.</summary>
    public static int[] Logits(ReadOnlySpan<int> rows) => [LogitsKind, .. rows];

    /// <summary>Does what the words say.</summary>
    /// <exception cref="ArgumentException">They are none of these.</exception>
    public static void Follow(int[] words, InferencePass pass)
    {
        switch (words)
        {
            case [RunKind, .. var run]:
                pass.Run(PartsOf(run));
                break;
            case [LogitsKind, .. var rows]:
                pass.Logits(rows, []);
                break;
            default:
                throw new ArgumentException("words that are not a shard's", nameof(words));
        }
    }

    /// <summary>The parts of a run.</summary>
    /// <param name="words">Behind the kind.</param>
    internal static IReadOnlyList<SequencePart> PartsOf(int[] words)
    {
        var parts = new SequencePart[words[0]];
        var at = 1;
        for (var part = 0; part < parts.Length; part++)
        {
            var (first, ids, pages) = (words[at], words[at + 1], words[at + 2]);
            at += 3;
            parts[part] = new SequencePart(words.AsMemory(at, ids), first, words[(at + ids)..(at + ids + pages)]);
            at += ids + pages;
        }
        return parts;
    }
}
