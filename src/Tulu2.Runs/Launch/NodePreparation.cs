using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Nodes;
using Tulu2.Files;
using Tulu2.Files.Certificates;
using Tulu2.Runs.Preparation;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Hosting;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.Launch;

/// <summary>Prepares a node for ranks of a run that another node coordinates, by the recipe in the run directory, which all nodes share.</summary>
/// <param name="adoption">Where this process finds its workers again when it has let go of them.</param>
internal sealed class NodePreparation(AdoptionFolder adoption, Action<string> say) : INodePreparation
{
    /// <summary>Gives the certificates of the node, for the data plane of its workers; null: TLS is off.</summary>
    public Func<IdentityFiles?> Identity { get; init; } = () => null;

    public NodePlan Prepare(NodeRun run, string address)
    {
        var directory = new RunDirectory(run.RunDirectory);
        if (!directory.IsBegun)
            throw new BadInputException(run.RunDirectory, $"the node {address} does not see this run directory",
                "put run directories, data and cache on storage that all nodes see under the same path");
        say($"taking part in {run}");
        var text = File.ReadAllText(directory.Recipe);
        var known = RunRecipe.Parse(directory.Recipe, text);
        // On a thread of its own, which may wait.
        var loaded = RecipeReader.LoadText(directory.Recipe, text);
        var fetched = HubSources.FetchAsync(loaded, known.Commits, _ => { }, say, CancellationToken.None).GetAwaiter().GetResult();
        var prepared = RunPreparation.Prepare(fetched, _ => { }, say, known.Changes);
        try
        {
            if (prepared.RecipeHash != run.RecipeHash)
                throw new BadInputException(directory.Recipe, $"the node {address} finds other data, another tokenizer or other weights than the coordinator",
                    "put them on storage that all nodes see under the same path, and run one build of the program on all");
            return new NodePlan(run.Layout, RunWorkers.Processes(prepared, run.Layout, directory, run.Key, address, adoption, Identity()), prepared.Batches, prepared.ReferencePass, prepared.Validation,
                run.TotalSteps, run.Prefetch, prepared);
        }
        catch
        {
            prepared.Dispose();
            throw;
        }
    }
}
