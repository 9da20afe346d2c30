using Tulu2.Models.Parameters;

namespace Tulu2.Models.HuggingFace;

/// <summary>Adapters that are added to a model's weights.</summary>
/// <param name="Name">For messages and the record in the file.</param>
/// <param name="Read">Their tensors, in fp32, by their names in PEFT.</param>
/// <param name="Weight">1: as they were trained.</param>
/// <param name="QuantizedBase">As <see cref="AdapterFolder.QuantizedBase"/>.</param>
public sealed record MergedAdapter(string Name, AdapterSettings Settings, TensorSource Read, double Weight, string? QuantizedBase);

/// <summary>Which weights of the model adapters are added to.</summary>
public enum MergeBase
{
    /// <summary>Those in its files.</summary>
    Original,

    /// <summary>Those that its 4-bit form stands for, beside which QLoRA's adapters were trained.</summary>
    Dequantized,
}

/// <summary>What a merge did.</summary>
/// <param name="Largest">The largest difference between the weights that were used and those of the other choice; null: there is no other.</param>
/// <param name="LargestIn">The tensor that has it.</param>
public sealed record MergeOutcome(MergeBase Base, int Matrices, float? Largest, string? LargestIn);
