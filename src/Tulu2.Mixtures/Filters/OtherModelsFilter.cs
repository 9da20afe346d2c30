using Tulu2.Data.Rows;
using Tulu2.Mixtures.Conversion;
using Tulu2.Mixtures.Settings;

namespace Tulu2.Mixtures.Filters;

/// <summary>
/// Removes rows that name other models or their makers in any turn (docs/reference/tulu2.md, filter). As a plain substring, which also finds "bard" in
/// "bombardment", or as a word; <c>match</c> decides, else the mode. A term that is an ordinary word as well, such as "palm", is found in both.
/// </summary>
internal sealed class OtherModelsFilter : IRowFilter
{
    private const string Match = "match", Substring = "substring", Word = "word";

    public static IReadOnlyList<string> Terms { get; } =
    [
        "OpenAI", "Open AI", "ChatGPT", "Chat GPT", "GPT-3", "GPT3", "GPT 3", "GPT-4", "GPT4", "GPT 4", "GPT-3.5", "GPT3.5", "GPT 3.5", "BingChat", "Bing Chat",
        "BARD", "Palm", "Anthropic", "Claude", "LAION", "Open Assistant", "OpenAssistant",
    ];

    public string Name => "other_models";

    public Func<IReadOnlyList<Message>, FilterVerdict> Begin(Section keys, MixtureMode mode)
    {
        var given = keys.Texts("terms");
        var search = new TermSearch(given.Count > 0 ? given : Terms);
        var parity = keys.Choice(Match, mode == MixtureMode.Parity ? Substring : Word, Substring, Word) == Substring;
        return messages =>
        {
            if (Find(messages, search.Anywhere) is not { } anywhere) return default;
            if (Find(messages, search.AsWord) is { } word) return new FilterVerdict(word, null);
            return new FilterVerdict(parity ? anywhere : null, anywhere);
        };
    }

    private static string? Find(IReadOnlyList<Message> messages, Func<string, string?> search)
    {
        for (var turn = 0; turn < messages.Count; turn++)
            if (search(messages[turn].Content) is { } term) return $"messages[{turn}] has '{term}'";
        return null;
    }
}
