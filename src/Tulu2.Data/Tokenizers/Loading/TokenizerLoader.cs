using Tulu2.Data.Tokenizers.Bpe;
using Tulu2.Files;

namespace Tulu2.Data.Tokenizers.Loading;

/// <summary>A tokenizer as it was read.</summary>
/// <param name="Directory">The directory it was read from.</param>
/// <param name="Files">Full paths of the tokenizer files there.</param>
internal sealed record LoadedTokenizer(TokenizerModel Model, string Directory, IReadOnlyList<string> Files);

/// <summary>Finds the tokenizer in a directory and reads it with the files beside it.</summary>
internal static class TokenizerLoader
{
    internal const string ModelName = "tokenizer.model";
    internal const string JsonName = "tokenizer.json";
    internal const string TemplateName = "chat_template.jinja";

    private static readonly string[] FileNames =
        [JsonName, ModelName, SpecialTokenFiles.ConfigName, SpecialTokenFiles.MapName, SpecialTokenFiles.AddedName, TemplateName];

    internal static LoadedTokenizer Load(string directoryOrFile)
    {
        var path = Choose(directoryOrFile);
        var directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var names = SpecialTokenFiles.Read(directory);
        var isJson = path.EndsWith(".json", StringComparison.OrdinalIgnoreCase);
        ForeignContent.Refuse(path, isJson ? FileUse.Json : FileUse.SentencePiece);
        var bytes = ReadAll(path);
        var model = isJson
            ? HuggingFaceTokenizerFile.Read(path, bytes, names)
            : SentencePieceModelFile.Read(path, bytes, names);
        var files = FileNames.Select(name => Path.Combine(directory, name)).Where(File.Exists).ToList();
        var full = Path.GetFullPath(path);
        if (!files.Contains(full)) files.Insert(0, full);
        return new LoadedTokenizer(model, directory, files);
    }

    private static string Choose(string directoryOrFile)
    {
        if (File.Exists(directoryOrFile)) return directoryOrFile;
        const string fix = "give a directory with tokenizer.json or tokenizer.model, or one of these files";
        foreach (var name in (string[])[JsonName, ModelName])
            // A dangling link counts as found; opening it reports it by name.
            if (Path.Combine(directoryOrFile, name) is var path && (File.Exists(path) || new FileInfo(path).LinkTarget is not null))
                return path;
        throw ForeignPath.AsModel(directoryOrFile) is var (what, instead)
            ? new BadInputException(directoryOrFile, what, instead)
            : new BadInputException(directoryOrFile, "holds neither tokenizer.json nor tokenizer.model", fix);
    }

    private static byte[] ReadAll(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(path, "cannot be read", "check the file and its permissions", failure);
        }
    }
}
