using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Placement;
using Tulu2.Runs.Execution;
using Tulu2.Runs.Launch;
using Tulu2.Runs.LayoutPlans;
using Tulu2.Runs.Output;
using Tulu2.Runs.Preparation;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;
using Xunit;

namespace Tulu2.Tests.Runs;

/// <summary>A run that takes more memory than there is does not begin; one that may fit does.</summary>
public sealed class MemoryCheckTests : IDisposable
{
    private readonly SmallTraining _small = new();
    private readonly List<string> _said = [];

    public void Dispose() => _small.Dispose();

    [Fact]
    public async Task A_run_is_refused_before_it_has_read_a_row_or_left_a_trace()
    {
        var output = new LineOutput(_said.Add, []);
        await using var node = new LocalNode();
        var runner = new TrainRunner(output, node, new RankHosting.Processes()) { Command = "tulu2 train sft.yaml", Machine = Machine(150) };
        var refused = await Assert.ThrowsAsync<BadInputException>(() =>
            runner.RunAsync("run", RecipeReader.Load(_small.Recipe(data: "missing.jsonl"), []), new RunDirectory(_small.In("run")), ResumeMode.New, CancellationToken.None));
        Assert.Equal("memory of this machine", refused.Where);
        Assert.Contains("2 ranks of data 2 x tensor 1 x pipeline 1, zero 1 need at least", refused.What);
        Assert.Contains("it has 150 MiB; the largest part is runtime, 160 MiB", refused.What);
        Assert.Contains("; --force starts it all the same", refused.Fix);
        Assert.False(Directory.Exists(_small.In("run")));
        Assert.False(Directory.Exists(_small.In("cache")));
    }

    [Fact]
    public void What_is_proposed_fits()
    {
        var (recipe, config) = (new Recipe
        {
            Model = new ModelRecipe { Path = "models/llama2-7b" },
            Data = new DataRecipe { MaxLength = 2048 },
            Batch = new BatchRecipe { Global = 16, Slot = 4 },
            Precision = Precision.Fp32,
            Parallel = new ParallelRecipe { Data = 4 },
        }, ModelPresets.Get("llama2-7b"));
        // From all weights on four ranks to 4 bits on one: a smaller change is proposed where it is enough.
        var found = new[] { 2000, 300, 100, 20, 16, 1 }.Select(Find).ToArray();
        Assert.All(found[..2].SelectMany(fitting => fitting!.Keys), key => Assert.Matches("^(parallel[.]|model[.]recompute=)", key));
        Assert.All(found[2..5], fitting => Assert.Contains("lora.rank=64", fitting!.Keys));
        Assert.All(found[..3], fitting => Assert.DoesNotContain("lora.quantize=nf4", fitting!.Keys));
        Assert.Contains("lora.quantize=nf4", found[4]!.Keys);
        Assert.Null(found[5]);

        FittingRecipe? Find(int gibibytes)
        {
            var fitting = FittingRecipe.Find(recipe, config, 4, null, standby: false, threads: false, need => need.Most(need.OfRanks.Length, 1), (long)gibibytes << 30);
            if (fitting is not null) Assert.InRange(fitting.Bytes, 1, (long)gibibytes << 30);
            return fitting;
        }
    }

    [Fact]
    public void Rows_that_are_shorter_than_they_may_be_are_counted_as_they_are()
    {
        // By the longest rows that the recipe lets through a slot would take many gibibytes.
        using var run = Prepare("data.max_length=1000000");
        var longest = RunMemory.Of(run.Recipe, run.Model.Config, run.Parallel, null, standby: false, threads: false)!;
        Assert.InRange(longest.Need.OfRanks[0], 4L << 30, long.MaxValue);
        Check(new RankHosting.Processes(), 1024).BeforeStart(run, standby: false);
        Assert.Throws<BadInputException>(() => Check(new RankHosting.Processes(), 250).BeforeStart(run, standby: false));
    }

    [Fact]
    public void Threads_have_the_program_once_and_nodes_a_spare_each()
    {
        using var run = Prepare();
        long Least(RankHosting hosting) => Enumerable.Range(100, 1000).First(mebibytes => Fits(hosting, mebibytes));
        var (threads, processes, nodes) = (Least(new RankHosting.Threads()), Least(new RankHosting.Processes()), Least(new RankHosting.Nodes(2, 1)));
        // Two workers of 80 MiB and a spare in place of one program.
        Assert.Equal((160, 80), (processes - threads, nodes - processes));

        bool Fits(RankHosting hosting, int mebibytes)
        {
            try
            {
                Check(hosting, mebibytes).BeforeStart(run, standby: false);
                return true;
            }
            catch (BadInputException)
            {
                return false;
            }
        }
    }

    [Fact]
    public void Standby_copies_are_counted_where_they_are_kept()
    {
        using var run = Prepare("parallel.zero=2");
        long Of(bool standby) => RunMemory.Of(run.Recipe, run.Model.Config, run.Parallel, [8], standby, threads: false)!.Need.OfRanks.Sum();
        // Parameters, both moments and the gradient of each half, of one tiny model.
        Assert.InRange(Of(standby: true) - Of(standby: false), 16 * run.Parameters.Trained.ParameterCount, 17 * run.Parameters.Trained.ParameterCount);
    }

    [Fact]
    public void A_run_that_is_forced_is_warned_of_once()
    {
        using var run = Prepare();
        var check = new MemoryCheck(new RankHosting.Processes(), Machine(150), isForced: true, "--force", _said.Add);
        check.BeforeData(run.Recipe, run.Model.Config);
        check.BeforeStart(run, standby: false);
        Assert.StartsWith("warning: memory of this machine: 2 ranks of data 2", Assert.Single(_said));
    }

    [Fact]
    public void What_nodes_of_a_cluster_have_is_compared_when_they_have_said_so()
    {
        using var run = Prepare();
        var check = Check(new RankHosting.Nodes(0, 0), 1);
        check.BeforeData(run.Recipe, run.Model.Config);
        check.BeforeStart(run, standby: false);
        var memory = check.OnNodes(run, standby: false)!;
        var shortage = memory.Need.Shortage([new NodeRoom("akka.tcp://tulu2@10.0.0.1:4053", Machine(100), [new Rank(0), new Rank(1)])])!;
        var refused = memory.Refusal(shortage);
        Assert.Equal("memory of akka.tcp://tulu2@10.0.0.1:4053", refused.Where);
        Assert.Contains("2 ranks of data 2 x tensor 1", refused.What);
    }

    private static MachineMemory Machine(long mebibytes) => new(mebibytes << 20, "here");

    private MemoryCheck Check(RankHosting hosting, long mebibytes) => new(hosting, Machine(mebibytes), isForced: false, "--force", _said.Add);

    private PreparedRun Prepare(params string[] set) =>
        RunPreparation.Prepare(new FetchedRecipe(RecipeReader.Load(_small.Recipe(), set), HubNames.None), _ => { }, _ => { });
}
