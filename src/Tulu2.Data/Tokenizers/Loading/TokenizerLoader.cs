using Tulu2.Files;

namespace Tulu2.Data.Tokenizers.Loading;

/// <summary>Finds the tokenizer in a directory and reads it with what lies beside it.</summary>
internal static class TokenizerLoader
{
    internal const string ModelName = "tokenizer.model";
    internal const string JsonName = "tokenizer.json";
    internal const string TemplateName = "chat_template.jinja";

    private static readonly string[] FileNames =
        [JsonName, ModelName, SpecialTokenFiles.ConfigName, SpecialTokenFiles.MapName, SpecialTokenFiles.AddedName, TemplateName];

    internal static SentencePieceBpeTokenizer Load(string directoryOrFile)
    {
        var path = Choose(directoryOrFile);
        var directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var names = SpecialTokenFiles.Read(directory);
        var bytes = ReadAll(path);
        var model = path.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
            ? HuggingFaceTokenizerFile.Read(path, bytes, names)
            : SentencePieceModelFile.Read(path, bytes, names);
        var files = FileNames.Select(name => Path.Combine(directory, name)).Where(File.Exists).ToList();
        var full = Path.GetFullPath(path);
        if (!files.Contains(full)) files.Insert(0, full);
        return new SentencePieceBpeTokenizer(model, directory, files);
    }

    private static string Choose(string directoryOrFile)
    {
        if (File.Exists(directoryOrFile)) return directoryOrFile;
        const string mend = "give a directory with tokenizer.json or tokenizer.model, or one of these files";
        if (!Directory.Exists(directoryOrFile)) throw new BadInputException(directoryOrFile, "no such file or directory to read a tokenizer from", mend);
        foreach (var name in (string[])[JsonName, ModelName])
            if (Path.Combine(directoryOrFile, name) is var path && File.Exists(path))
                return path;
        throw new BadInputException(directoryOrFile, "holds neither tokenizer.json nor tokenizer.model", mend);
    }

    private static byte[] ReadAll(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(path, "cannot be read: " + failure.Message, "check the file and its permissions", failure);
        }
    }
}
