using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Layout;
using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Protocol.Ids;
using Tulu2.Training.Hosting;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Benchmarks;

/// <summary>
/// Two steps of a tiny model in this process: libtorch and its kernels are loaded, and the code that a rank's thread runs is compiled. They take a new process a second
/// and more.
/// </summary>
public static class WarmUp
{
    private const int Steps = 2;

    /// <param name="recipe">Its objective and precision are those of the steps.</param>
    public static void Run(Recipe recipe)
    {
        try
        {
            var tiny = new MeasuredRun(ModelPresets.Get("tiny"), VirtualShards: 1, recipe.Objective, recipe.Precision, recipe.Model.Recompute, Slots: 2, Sequences: 2, Length: 32);
            var settings = tiny.Settings(new ParallelLayout(1), new InProcessDataPlane());
            using var ranks = MeasuredRun.Drive(settings, new EmbeddedWorkerFactory(settings));
            ranks.Advance(new StepNumber(Steps));
        }
        catch (Exception fault)
        {
            // A process that is not warm is good all the same.
            Console.Error.WriteLine($"a spare worker could not warm up: {FaultText.Of(fault)}");
        }
    }
}
