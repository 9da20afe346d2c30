namespace Tulu2.Runs.RunFiles;

/// <summary>How a run is to begin.</summary>
internal enum ResumeMode
{
    /// <summary>Anew; what is there already is refused.</summary>
    New,

    /// <summary>From what is there; nothing is refused.</summary>
    Resume,

    /// <summary>From what is there, or anew where there is nothing.</summary>
    Auto,
}
