using System.Text.RegularExpressions;

namespace Tulu2.Data.Rows.Conversion;

/// <summary>A dialogue as one text, each turn after a line that begins with <c>Human:</c> or <c>Assistant:</c> (the form of Anthropic's HH-RLHF).</summary>
internal static partial class Transcript
{
    /// <summary>The text begins with a turn of the human and has one of the assistant.</summary>
    public static bool IsOne(string text) => Speaker().Matches(text) is [{ } first, _, ..] speakers
        && string.IsNullOrWhiteSpace(text[..first.Index]) && IsHuman(first) && speakers.Any(speaker => !IsHuman(speaker));

    /// <summary>The turns of a text that is one (<see cref="IsOne"/>); an assistant's turn at the end may be empty.</summary>
    public static List<Message> Turns(string text)
    {
        var speakers = Speaker().Matches(text);
        var turns = new List<Message>();
        for (var number = 0; number < speakers.Count; number++)
        {
            var end = number + 1 < speakers.Count ? speakers[number + 1].Index : text.Length;
            var start = speakers[number].Index + speakers[number].Length;
            turns.Add(new Message(IsHuman(speakers[number]) ? Message.User : Message.Assistant, TurnText.Strip(text[start..end])));
        }
        return turns;
    }

    private static bool IsHuman(Match speaker) => speaker.Groups[1].Value == "Human";

    // In the middle of a text a blank line stands before a speaker: an answer may quote "Human:".
    [GeneratedRegex(@"(?:\A\s*|\n\n)(Human|Assistant):")]
    private static partial Regex Speaker();
}
