using System.Globalization;
using Tulu2.Training.Planning;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.LayoutPlans;

/// <summary>The fewest cards of one size on which a model trains as a recipe says.</summary>
/// <param name="CardGigabytes">Memory of a card, in 10^9 bytes.</param>
/// <param name="Best">The fastest layout of so many; null: none of up to <see cref="CardPlans.MostCards"/> fits.</param>
internal sealed record CardPlan(string Model, int CardGigabytes, PlannedLayout? Best);

/// <summary>A recipe with each of the paper's models, on cards of the usual sizes.</summary>
internal static class CardPlans
{
    public const int MostCards = 64;
    private static readonly string[] Models = ["llama2-7b", "llama2-13b", "codellama-34b", "llama2-70b"];
    private static readonly int[] Gigabytes = [24, 48, 80];

    public static IReadOnlyList<CardPlan> Of(LoadedRecipe loaded, PlanFlags flags) =>
        [.. from model in Models from gigabytes in Gigabytes select Of(loaded, flags with { Model = model, Device = "cuda", Memory = string.Create(CultureInfo.InvariantCulture, $"{gigabytes}GB"), Ranks = 1 }, model, gigabytes)];

    private static CardPlan Of(LoadedRecipe loaded, PlanFlags flags, string model, int gigabytes)
    {
        var search = new LayoutSearch(PlanInput.Read(loaded, flags with { RanksPerNode = flags.RanksPerNode ?? 8 }, _ => { }));
        for (var cards = 1; cards <= MostCards; cards *= 2)
            if (search.All(cards).FirstOrDefault() is { Fits: true } best) return new CardPlan(model, gigabytes, best);
        return new CardPlan(model, gigabytes, null);
    }
}
