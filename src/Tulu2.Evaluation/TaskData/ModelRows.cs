using Tulu2.Files;

namespace Tulu2.Evaluation.TaskData;

/// <summary>The rows of one model, of a file that may hold several.</summary>
internal static class ModelRows
{
    /// <param name="key">The key that names a row's model; rows without it belong to every model.</param>
    /// <param name="model">Null: the file holds one.</param>
    /// <exception cref="BadInputException">The file has several models and none is named, or lacks the one that is.</exception>
    public static IReadOnlyList<JsonItem> Of(IReadOnlyList<JsonItem> rows, string key, string? model, string path)
    {
        var names = rows.Select(row => row.TextOrNull(key)).OfType<string>().Distinct().Order(StringComparer.Ordinal).ToList();
        if (names.Count == 0) return rows;
        if (model is null)
            return names.Count == 1 ? rows : throw new BadInputException(path, $"holds {names.Count} models: {string.Join(", ", names.Take(10))}", "name one with --model-id");
        return names.Contains(model) ? [.. rows.Where(row => row.TextOrNull(key) is null || row.TextOrNull(key) == model)]
            : throw new BadInputException("--model-id", $"{path} has no model {model}, but {string.Join(", ", names.Take(10))}", "name one of these");
    }
}
