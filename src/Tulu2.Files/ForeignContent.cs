using System.Globalization;
using System.Text;

namespace Tulu2.Files;

/// <summary>
/// Recognises well-known content by its first bytes, so that the error for a file of another kind says what it is.
/// Unknown content is left to the reader of the file.
/// </summary>
public static class ForeignContent
{
    /// <summary>Number of bytes that is enough for every kind.</summary>
    public const int HeadBytes = 512;

    /// <summary>What is wrong with a file's content, by its first bytes; null: it is not recognised as something foreign.</summary>
    /// <param name="head">The first <see cref="HeadBytes"/> bytes, or the whole file where it is shorter.</param>
    /// <param name="length">Bytes of the whole file; where that is unknown (a stream), <see cref="long.MaxValue"/>.</param>
    public static (string What, string Fix)? Of(ReadOnlySpan<byte> head, long length, FileUse use)
    {
        if (head.IsEmpty) return ("the file is empty (0 bytes)", "copy or download it again");
        foreach (var kind in Signature.All)
            if (kind.Matches(head, length))
                return kind.Welcome.Contains(use) ? null : ($"is {kind.Name}{PointedSize(head)}", kind.Fix ?? Wanted(use));
        if (use == FileUse.Rows && Signature.WrapperKey(head) is { } key)
            return ($"is one JSON object with the rows in its key '{key}', not a list of rows", $"write the rows alone: jq -c '.{key}[]' FILE > rows.jsonl");
        if (use == FileUse.SentencePiece && Signature.IsJsonObject(head))
            return ("is JSON, not a SentencePiece model", "name it tokenizer.json where it is one");
        return null;
    }

    /// <summary>Opens the file and throws where its content is foreign.</summary>
    /// <exception cref="BadInputException">
    /// It is missing, a directory, a dangling link, unreadable, empty, or of a known kind that is foreign here.
    /// </exception>
    public static void Refuse(string path, FileUse use)
    {
        if (Directory.Exists(path))
            throw new BadInputException(path, "is a directory, not a file", use == FileUse.Rows ? ForeignPath.RowsIn(path) : Wanted(use));
        Span<byte> head = stackalloc byte[HeadBytes];
        int count;
        long length;
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0);
            (count, length) = (file.ReadAtLeast(head, HeadBytes, throwOnEndOfStream: false), file.Length);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new FileInfo(path).LinkTarget is { } target
                ? new BadInputException(path, $"is a link to {target}, which is not there", "fetch the file again, or correct the link", failure)
                : new BadInputException(path, "no such file", "check the path", failure);
        }
        catch (UnauthorizedAccessException failure)
        {
            throw new BadInputException(path, "may not be read", "correct its permissions", failure);
        }
        catch (IOException failure)
        {
            throw new BadInputException(path, "cannot be read", "check the disk, and copy the file again", failure);
        }
        if (Of(head[..count], length, use) is var (what, fix)) throw new BadInputException(path, what, fix);
    }

    private static string Wanted(FileUse use) => use switch
    {
        FileUse.Rows => "give rows as JSON Lines, JSON or Parquet, plain, gzip or zstd",
        FileUse.Safetensors => "give weights as safetensors",
        FileUse.TorchWeights => "give weights as safetensors, or as torch.save writes them",
        FileUse.SentencePiece => "give the model's own tokenizer.model",
        FileUse.Yaml => "give a recipe; `recipes/` holds examples",
        _ => "copy the file again from the model's source",
    };

    // A pointer gives the size of the file it stands for.
    private static string PointedSize(ReadOnlySpan<byte> head)
    {
        if (!head.StartsWith("version https://git-lfs"u8)) return "";
        var size = Encoding.ASCII.GetString(head).Split('\n').FirstOrDefault(line => line.StartsWith("size ", StringComparison.Ordinal));
        return long.TryParse(size?[5..], NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
            ? string.Create(CultureInfo.InvariantCulture, $" (which has {bytes:N0} bytes)") : "";
    }
}
