using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Tulu2.Data.Rows;

/// <summary>128 bits that stand for a dialogue: roles and texts, without the white space around a text, which the chat template strips.</summary>
internal static class ContentFingerprint
{
    public static UInt128 Of(params IEnumerable<Message> messages)
    {
        var hash = new XxHash128();
        Append(hash, messages);
        return hash.GetCurrentHashAsUInt128();
    }

    /// <summary>Of a pair: both of its dialogues.</summary>
    public static UInt128 Of(PreferenceRow pair)
    {
        var hash = new XxHash128();
        Append(hash, pair.Chosen);
        // With its length, as a text: where one side ends is part of the content.
        hash.Append(BitConverter.GetBytes(pair.Chosen.Count));
        Append(hash, pair.Rejected);
        return hash.GetCurrentHashAsUInt128();
    }

    private static void Append(XxHash128 hash, IEnumerable<Message> messages)
    {
        foreach (var message in messages)
        {
            Append(hash, message.Role);
            Append(hash, TurnText.Strip(message.Content));
        }
    }

    // With its length, so that other cuts of the same text hash other bytes.
    private static void Append(XxHash128 hash, string text)
    {
        hash.Append(BitConverter.GetBytes(text.Length));
        hash.Append(MemoryMarshal.AsBytes(text.AsSpan()));
    }
}
