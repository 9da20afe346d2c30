namespace Tulu2.Serving.Streams;

/// <summary>A client takes a stream too slowly, or not at all: it is dropped.</summary>
internal sealed class SlowReaderException(string message) : Exception(message);
