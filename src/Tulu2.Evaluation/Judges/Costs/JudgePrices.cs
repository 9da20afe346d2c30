using System.Text.Json;
using Tulu2.Files;

namespace Tulu2.Evaluation.Judges.Costs;

/// <summary>
/// What models cost, from a file of the user's: <c>{"gpt-4-0613": {"prompt": 30, "completion": 60}}</c>, per million tokens, in any currency. No prices are built
/// in: they change.
/// </summary>
public sealed class JudgePrices
{
    private const double Unit = 1e6;

    private readonly IReadOnlyDictionary<string, (double Prompt, double Completion)> _prices;

    private JudgePrices(IReadOnlyDictionary<string, (double Prompt, double Completion)> prices) => _prices = prices;

    public static JudgePrices None { get; } = new(new Dictionary<string, (double, double)>());

    /// <param name="path">Null: <see cref="None"/>.</param>
    /// <exception cref="BadInputException">The file is not such a table.</exception>
    public static JudgePrices Read(string? path)
    {
        if (path is null) return None;
        using var document = JsonFile.OpenObject(path);
        var prices = new Dictionary<string, (double, double)>();
        foreach (var model in document.RootElement.EnumerateObject())
            prices.Add(model.Name, Price(model.Value, "prompt") is { } prompt && Price(model.Value, "completion") is { } completion ? (prompt, completion)
                : throw new BadInputException($"{path}: {model.Name}", "is not a price", "write {\"prompt\": 30, \"completion\": 60}, the prices of a million tokens"));
        return new JudgePrices(prices);
    }

    /// <summary>The price of a model's tokens; of <c>gpt-4-0613</c>, that of <c>gpt-4</c> where it has none of its own.</summary>
    /// <returns>Null: it is not in the table.</returns>
    public double? Of(string model, long promptTokens, long completionTokens)
    {
        var name = _prices.Keys.Where(key => model == key || model.StartsWith(key + "-", StringComparison.Ordinal)).MaxBy(key => key.Length);
        return name is null ? null : (promptTokens * _prices[name].Prompt + completionTokens * _prices[name].Completion) / Unit;
    }

    private static double? Price(JsonElement model, string key) =>
        model.ValueKind == JsonValueKind.Object && model.TryGetProperty(key, out var price) && price.ValueKind == JsonValueKind.Number && price.GetDouble() >= 0 ? price.GetDouble() : null;
}
