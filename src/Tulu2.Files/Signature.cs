using System.Buffers.Binary;

namespace Tulu2.Files;

/// <summary>A known kind of content, recognised by its first bytes.</summary>
/// <param name="Name">Follows "is" in messages.</param>
/// <param name="Fix">What to do where the kind is foreign; null: the fix of the file's use.</param>
internal sealed record Signature(string Name, Signature.Test Matches, string? Fix, params FileUse[] Welcome)
{
    internal delegate bool Test(ReadOnlySpan<byte> head, long length);

    private const string Unpack = "unpack it and give the file that is inside";
    private const string Fetch = "fetch it again: look at what the address answers, and whether it asks for a login";
    private const string Convert = "write the rows as JSON Lines, JSON or Parquet";
    private const string Torch = "write the weights as safetensors (save_pretrained with safe_serialization=True)";

    private const ulong LargestSafetensorsHeader = 100_000_000;

    private static readonly string[] WrapperKeys = ["data", "rows", "examples", "instances", "train"];

    /// <summary>In the order in which they are tried.</summary>
    internal static readonly Signature[] All =
    [
        // First, since its length field may be any of the short signatures below.
        new("a safetensors file", IsSafetensors, "name it model.safetensors where it is a model's weights", FileUse.Safetensors),
        new("a Git LFS pointer, not the file itself", (head, _) => head.StartsWith("version https://git-lfs.github.com/spec/"u8),
            "fetch the content: `git lfs pull` where it was cloned, or download the file again"),
        new("a web page (HTML), not the file itself", (head, _) => StartsWithTag(head, "<!doctype html") || StartsWithTag(head, "<html"), Fetch),
        new("an XML document, not the file itself", (head, _) => StartsWithTag(head, "<?xml") || StartsWithTag(head, "<error>"), Fetch),
        new("text in UTF-16", (head, _) => head is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..], "save it as UTF-8"),
        new("a PyTorch file (torch.save)", IsTorchZip, Torch, FileUse.TorchWeights),
        // As weights it may be torch.save's with its parts in another order; its reader decides.
        new("a zip archive", (head, _) => IsZip(head), Unpack, FileUse.TorchWeights),
        new("gzip data", (head, _) => head is [0x1F, 0x8B, ..], Unpack, FileUse.Rows),
        new("Zstandard data", (head, _) => head is [0x28, 0xB5, 0x2F, 0xFD, ..], "unpack it: zstd -d FILE", FileUse.Rows),
        new("bzip2 data",
            (head, _) => head is [(byte)'B', (byte)'Z', (byte)'h', >= (byte)'1' and <= (byte)'9', 0x31, 0x41, 0x59, ..], "unpack it: bunzip2 FILE"),
        new("xz data", (head, _) => head is [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0, ..], "unpack it: unxz FILE"),
        new("LZ4 data", (head, _) => head is [0x04, 0x22, 0x4D, 0x18, ..], "unpack it: lz4 -d FILE"),
        new("a 7-Zip archive", (head, _) => head is [(byte)'7', (byte)'z', 0xBC, 0xAF, 0x27, 0x1C, ..], Unpack),
        new("a RAR archive", (head, _) => head.StartsWith("Rar!\x1A\x07"u8), Unpack),
        new("a tar archive", (head, _) => head.Length >= 262 && head[257..].StartsWith("ustar"u8), Unpack),
        new("a Parquet file", (head, _) => head.StartsWith("PAR1"u8), null, FileUse.Rows),
        new("an Arrow file", (head, _) => head.StartsWith("ARROW1"u8) || head.StartsWith("FEA1"u8), $"{Convert} (datasets: to_parquet, to_json)"),
        new("an Arrow stream", IsArrowStream, $"{Convert} (datasets: to_parquet, to_json)"),
        new("a PyTorch file in the form from before version 1.6", IsOldTorch,
            $"{Torch}, or in today's form: torch.save(torch.load(FILE, weights_only=True), FILE)"),
        new("a Python pickle", (head, _) => head is [0x80, >= 2 and <= 5, ..], "write it in a form that holds no code, from a source that you trust"),
        new("a GGUF file (llama.cpp)", (head, _) => head.StartsWith("GGUF"u8) || head.StartsWith("tjgg"u8) || head.StartsWith("lmgg"u8),
            "give the Hugging Face checkpoint that it was made from"),
        new("a NumPy array", (head, _) => head is [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', ..], null),
        new("an HDF5 file", (head, _) => head is [0x89, (byte)'H', (byte)'D', (byte)'F', 0x0D, 0x0A, ..], null),
        new("an SQLite database", (head, _) => head.StartsWith("SQLite format 3\0"u8), null),
        new("a DuckDB database", (head, _) => head.Length >= 12 && head[8..].StartsWith("DUCK"u8), null),
        new("an Avro file", (head, _) => head.StartsWith("Obj\x01"u8), null),
        new("an ORC file", (head, _) => head.StartsWith("ORC"u8), null),
        new("a PDF document", (head, _) => head.StartsWith("%PDF-"u8), null),
        new("a SentencePiece model", (head, _) => head is [0x0A, _, 0x0A, _, ..] && head[..Math.Min(16, head.Length)].IndexOf("<unk>"u8) > 0,
            "name it tokenizer.model", FileUse.SentencePiece),
    ];

    /// <summary>The key of one JSON object that has all rows in it; foreign only where rows are wanted.</summary>
    internal static string? WrapperKey(ReadOnlySpan<byte> head)
    {
        if (!Take(ref head, "{") || !Take(ref head, "\"")) return null;
        foreach (var key in WrapperKeys)
        {
            var rest = head;
            if (Take(ref rest, key) && Take(ref rest, "\"") && Take(ref rest, ":") && Take(ref rest, "[") && (Take(ref rest, "{") || Take(ref rest, "[")))
                return key;
        }
        return null;
    }

    /// <summary>Text that begins with a brace, after blanks.</summary>
    internal static bool IsJsonObject(ReadOnlySpan<byte> head) => Take(ref head, "{");

    // White space may stand before the wanted text; a quoted key has none inside.
    private static bool Take(ref ReadOnlySpan<byte> text, string wanted)
    {
        var rest = (text.StartsWith("\uFEFF"u8) ? text[3..] : text).TrimStart(" \t\r\n"u8);
        if (rest.Length < wanted.Length) return false;
        for (var at = 0; at < wanted.Length; at++)
            if (rest[at] != wanted[at]) return false;
        text = rest[wanted.Length..];
        return true;
    }

    private static bool StartsWithTag(ReadOnlySpan<byte> head, string tag)
    {
        var text = (head.StartsWith("\uFEFF"u8) ? head[3..] : head).TrimStart(" \t\r\n"u8);
        return text.Length >= tag.Length && System.Text.Ascii.EqualsIgnoreCase(text[..tag.Length], tag);
    }

    private static bool IsZip(ReadOnlySpan<byte> head) => head.StartsWith("PK\x03\x04"u8) || head.StartsWith("PK\x05\x06"u8);

    // torch.save writes its pickle first: ARCHIVE/data.pkl.
    private static bool IsTorchZip(ReadOnlySpan<byte> head, long length)
    {
        if (!head.StartsWith("PK\x03\x04"u8) || head.Length < 30) return false;
        var name = head.Slice(30, Math.Min(BinaryPrimitives.ReadUInt16LittleEndian(head[26..]), head.Length - 30));
        return name.EndsWith("/data.pkl"u8) || name.EndsWith("/.format_version"u8);
    }

    // A pickled magic number: 0x1950a86a20f9469cfc6c.
    private static bool IsOldTorch(ReadOnlySpan<byte> head, long length) =>
        head is [0x80, _, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, ..];

    // A continuation mark, then the length of the schema's message.
    private static bool IsArrowStream(ReadOnlySpan<byte> head, long length) =>
        head is [0xFF, 0xFF, 0xFF, 0xFF, _, _, _, 0x00, ..]
        && BinaryPrimitives.ReadInt32LittleEndian(head[4..]) is > 0 and var size && size < length && size % 8 == 0;

    private static bool IsSafetensors(ReadOnlySpan<byte> head, long length) =>
        head is [_, _, _, _, _, _, _, _, (byte)'{', (byte)'"' or (byte)'}' or (byte)' ' or (byte)'\n', ..]
        && BinaryPrimitives.ReadUInt64LittleEndian(head) is > 1 and < LargestSafetensorsHeader;
}
