using Tulu2.Data.Demo;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.Demo;

/// <summary>Sizes of the demo, tuned to take less than five minutes on two cores.</summary>
internal sealed record DemoSettings
{
    public int Seed { get; init; } = 42;

    /// <summary>Data-parallel ranks; 0: one per processor.</summary>
    public int Ranks { get; init; }

    /// <summary>Ranks are threads.</summary>
    public bool InProcess { get; init; }

    /// <summary>Sizes of the generated files.</summary>
    public DemoDataOptions Data => new() { Seed = Seed };

    public int Vocabulary { get; init; } = 512;
    public int MaxLength { get; init; } = 256;

    public int SftGlobal { get; init; } = 32;
    public int SftSlot { get; init; } = 8;
    /// <summary>Two and a half epochs.</summary>
    public int SftSteps { get; init; } = 937;
    public double SftLearningRate { get; init; } = 2e-3;

    public int DpoGlobal { get; init; } = 32;
    public int DpoSlot { get; init; } = 8;
    public double DpoEpochs { get; init; } = 1;
    public double DpoLearningRate { get; init; } = 2.5e-5;
    public double DpoBeta { get; init; } = 0.1;

    /// <summary>Items of each benchmark, and of each of its parts.</summary>
    public int BenchmarkItems { get; init; } = 4;

    /// <summary>Tokens of an answer: the longest of the demo's own has some twenty.</summary>
    public int BenchmarkTokens { get; init; } = 40;

    public int CheckpointEvery { get; init; } = 200;

    public string Preset { get; init; } = "demo";

    /// <summary>fp32: bf16 is slower on processors without bf16 instructions.</summary>
    public Precision Precision { get; init; } = Precision.Fp32;
}
