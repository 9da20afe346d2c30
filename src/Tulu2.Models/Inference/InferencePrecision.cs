namespace Tulu2.Models.Inference;

/// <summary>How the weights of a model's files are held. Activations and sums are fp32 always.</summary>
public enum InferencePrecision
{
    /// <summary>As the files hold them: fp32, bf16, fp16 or NF4.</summary>
    Stored,

    /// <summary>fp32; weights in NF4 are restored.</summary>
    Single,

    /// <summary>bf16; others are rounded to nearest even.</summary>
    Brain,
}

/// <summary>How random weights are held.</summary>
public enum InferenceForm
{
    Single,
    Brain,

    /// <summary>Linears in NF4, embedding and head in bf16.</summary>
    Nf4,
}
