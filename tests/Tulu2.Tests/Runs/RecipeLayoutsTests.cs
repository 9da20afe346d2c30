using System.Globalization;
using System.Text;
using Tulu2.Files;
using Tulu2.Runs.LayoutPlans;
using Tulu2.Tests.Golden;
using Tulu2.Training.Recipes.Reading;
using Xunit;

namespace Tulu2.Tests.Runs;

/// <summary>The layouts that <c>plan</c> proposes for the paper's recipes stand in <c>recipes/layouts.md</c>.</summary>
public sealed class RecipeLayoutsTests
{
    private static readonly int[] Devices = [8, 64, 512];

    [Fact]
    public void The_page_has_what_plan_proposes()
    {
        var text = new StringBuilder("""
            # Layouts of the paper's recipes

            What `tulu2 plan recipes/RECIPE --ranks N --memory 80GiB` proposes for 8, 64 and 512 GPUs, eight to a node, with its rates for an A100 and every sequence as long
            as `data.max_length`: the flags to give to `train`, and the tokens a second that it expects. **None of it was measured on a GPU.** A test holds this page to `plan`.

            | recipe | GPUs | flags | tokens/s | memory of a rank |
            |---|---|---|---|---|

            """.ReplaceLineEndings("\n"));
        foreach (var file in Directory.GetFiles(Checkout.Path("recipes"), "*tulu2-*.yaml").Order(StringComparer.Ordinal))
            foreach (var devices in Devices)
                text.Append(CultureInfo.InvariantCulture, $"| `{Path.GetFileNameWithoutExtension(file)}` | {devices} | {Proposal(file, devices)} |\n");
        GoldenFile.Check(text.ToString(), "recipes", "layouts.md");
    }

    private static string Proposal(string file, int devices)
    {
        var flags = new PlanFlags { Ranks = devices, Memory = "80GiB" };
        try
        {
            var plan = PlanResult.Of(PlanInput.Read(RecipeReader.Load(file, []), flags, _ => { }), devices);
            return string.Create(CultureInfo.InvariantCulture,
                $"`{string.Join(' ', plan.Flags)}` | {plan.Chosen.TokensPerSecond:N0} | {plan.Chosen.DeviceBytes / (double)(1L << 30):F1} GiB");
        }
        catch (BadInputException refused)
        {
            return $"{refused.What} | | ";
        }
    }
}
