using System.IO.Hashing;
using System.Runtime.InteropServices;
using Tulu2.Data.Rows;

namespace Tulu2.Mixtures.Deduplication;

/// <summary>128 bits that stand for a dialogue: roles and texts, without the white space around a text, which the chat template strips.</summary>
internal static class ContentFingerprint
{
    public static UInt128 Of(IEnumerable<Message> messages)
    {
        var hash = new XxHash128();
        foreach (var message in messages)
        {
            Append(hash, message.Role);
            Append(hash, TurnText.Strip(message.Content));
        }
        return hash.GetCurrentHashAsUInt128();
    }

    // With its length, so that other cuts of the same text hash other bytes.
    private static void Append(XxHash128 hash, string text)
    {
        hash.Append(BitConverter.GetBytes(text.Length));
        hash.Append(MemoryMarshal.AsBytes(text.AsSpan()));
    }
}
