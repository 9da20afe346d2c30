namespace Tulu2.Checkpoints;

/// <summary>The part of the training state that a tensor is; each Hugging Face name has one of each.</summary>
public enum StateKind
{
    Parameter,
    FirstMoment,
    SecondMoment,
}

/// <summary>One slice inside a shard file.</summary>
public sealed record ShardTensor(StateKind Kind, TensorSlice Slice);

/// <summary>A shard file of a checkpoint: content-addressed, safetensors inside.</summary>
/// <param name="Sha256">Hash of the whole file, and its name.</param>
/// <param name="Bytes">Size of the file.</param>
public sealed record ShardEntry(string Sha256, long Bytes, IReadOnlyList<ShardTensor> Tensors);
