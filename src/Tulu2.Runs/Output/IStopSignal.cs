namespace Tulu2.Runs.Output;

/// <summary>The signals that stop a run in order.</summary>
internal interface IStopSignal
{
    /// <summary>Name of the first signal, such as SIGTERM; null: there was none.</summary>
    string? Name { get; }

    /// <summary>Keeps the process alive until the answer is disposed of: something has to be finished, however long it takes.</summary>
    IDisposable Hold();
}
