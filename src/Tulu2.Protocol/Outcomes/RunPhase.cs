namespace Tulu2.Protocol.Outcomes;

public enum RunPhase
{
    /// <summary>Workers load the model.</summary>
    Starting,

    /// <summary>The reference log-probabilities of DPO are computed.</summary>
    ReferencePass,
    Training,

    /// <summary>The parameters of a step are measured on the validation data.</summary>
    Validation,

    /// <summary>The last checkpoint is written.</summary>
    Finishing,

    /// <summary>No rank is left; checkpoints are still being scored.</summary>
    Evaluating,
}
