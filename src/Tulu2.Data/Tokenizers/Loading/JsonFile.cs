using System.Text.Json;
using Tulu2.Files;

namespace Tulu2.Data.Tokenizers.Loading;

internal static class JsonFile
{
    /// <exception cref="BadInputException">It is not JSON; the place is named by line.</exception>
    internal static JsonDocument Parse(string path, byte[] bytes)
    {
        try
        {
            ReadOnlySpan<byte> mark = [0xEF, 0xBB, 0xBF];
            return JsonDocument.Parse(bytes.AsMemory(bytes.AsSpan().StartsWith(mark) ? mark.Length : 0));
        }
        catch (JsonException failure)
        {
            throw new BadInputException($"{path}:{failure.LineNumber + 1}", "is not whole JSON", "copy or download the file again", failure);
        }
    }
}
