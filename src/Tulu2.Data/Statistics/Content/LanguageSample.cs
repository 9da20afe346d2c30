using System.Text;
using Tulu2.Data.Rows;

namespace Tulu2.Data.Statistics.Content;

/// <summary>
/// Texts of rows drawn for the estimate of languages: those whose numbers have the smallest hashes, so that the same files give the same sample, and each row is as
/// likely to be in it as any other.
/// </summary>
internal sealed class LanguageSample
{
    /// <summary>Most rows of a sample. The standard error of a share is then at most 2.2 points.</summary>
    public const int Most = 500;

    private const ulong Seed = 42;
    // A turn says its language in its first sentences.
    private const int TurnCharacters = 300;

    private readonly PriorityQueue<string, ulong> _texts = new(Comparer<ulong>.Create((left, right) => right.CompareTo(left)));

    /// <summary>The sampled texts; their order means nothing.</summary>
    public IEnumerable<string> Texts => _texts.UnorderedItems.Select(item => item.Element);

    /// <param name="number">Number of the row, its only part in the draw.</param>
    public void Offer(long number, IReadOnlyList<Message> dialogue)
    {
        var draw = SplitMix64.Mix(SplitMix64.Mix(Seed) ^ (ulong)number);
        if (_texts.Count == Most)
        {
            _texts.TryPeek(out _, out var largest);
            if (draw >= largest) return;
            _texts.Dequeue();
        }
        _texts.Enqueue(TextOf(dialogue), draw);
    }

    public LanguageStatistics Result() => LanguageEstimate.Of([.. Texts]);

    // The first question and the first answer.
    private static string TextOf(IReadOnlyList<Message> dialogue)
    {
        var text = new StringBuilder();
        foreach (var role in new[] { Message.User, Message.Assistant })
            if (dialogue.FirstOrDefault(message => message.Role == role) is { Content: { } content })
                text.Append(content.AsSpan(0, Math.Min(content.Length, TurnCharacters))).Append('\n');
        return text.ToString();
    }
}
