using Tulu2.Data.Rows.Reading;
using Tulu2.Training.Recipes;

namespace Tulu2.Tests.Training.Recipes;

/// <summary>For each key of a recipe a value that the recipe does not have.</summary>
internal static class OtherValue
{
    public static object Of(RecipeKey key, Recipe recipe) => key.Read(recipe) switch
    {
        bool truth => !truth,
        int number => number + 1,
        double number => number / 3 + 0.1,
        Enum choice => Enum.GetValues(key.Type).Cast<Enum>().First(value => !Equals(value, choice)),
        IReadOnlyList<DataSourceRecipe> => new List<DataSourceRecipe>
        {
            "/a.jsonl", "/with space: and colon.jsonl",
            new()
            {
                Files = ["/b.jsonl", "/c.jsonl"],
                Name = "a: name",
                Weight = 0.1,
                Limit = 3,
                Format = "alpaca",
                Columns = new Dictionary<string, string> { ["prompt"] = "a question, or: two" },
                Learn = LearntTurns.Last,
            },
            new() { Files = ["/d.jsonl"], Sample = 7 },
        },
        IReadOnlyList<string> => new List<string> { "q_proj", "v_proj" },
        IReadOnlyDictionary<string, string> when key.IsPath => new Dictionary<string, string> { ["exact_match"] = "/with space: and colon.jsonl" },
        IReadOnlyDictionary<string, string> => new Dictionary<string, string> { ["prompt"] = "question", ["completion"] = "the answer" },
        _ => key.Type == typeof(string) ? "/some/where" : key.Type == typeof(int) ? 17 : (object)0.375,
    };
}
