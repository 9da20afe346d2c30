using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;

namespace Tulu2.Files;

/// <summary>
/// An error in words for a user: half a sentence in lower case, to follow a colon. A library's own message is about its parameters and types; it belongs in the
/// log.
/// </summary>
public static class FaultText
{
    public static string Of(Exception fault) => fault switch
    {
        BadInputException bad => bad.Message,
        AggregateException { InnerExceptions: [var only] } => Of(only),
        UnauthorizedAccessException => "it may not be read or written by this user",
        FileNotFoundException { FileName: { Length: > 0 } file } => $"there is no file {file}",
        FileNotFoundException or DirectoryNotFoundException => "there is no such file or directory",
        PathTooLongException => "its path is too long",
        SocketException socket => OfSocket(socket.SocketErrorCode),
        IOException { InnerException: SocketException socket } => OfSocket(socket.SocketErrorCode),
        HttpRequestException { InnerException: SocketException or IOException { InnerException: SocketException } } http => Of(http.InnerException!),
        _ when IsOurs(fault) => fault.Message,
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => "there is no secure connection: the certificate is not trusted, or TLS is not spoken there",
        HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded } => "the connection ended before the answer did",
        HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse } => "the answer is not HTTP",
        HttpRequestException { StatusCode: { } status } => $"the answer has the status {(int)status}",
        HttpRequestException => "the connection broke off",
        EndOfStreamException => "the data breaks off",
        IOException io => OfSystem(io),
        InvalidDataException => "the data is damaged",
        JsonException json => json.LineNumber is { } line ? $"it is not whole JSON (line {line + 1})" : "it is not the JSON that is expected",
        OutOfMemoryException => "there is not enough memory",
        TimeoutException or OperationCanceledException => "it took too long, or was stopped",
        _ => $"an error that this program has no words for ({fault.GetType().Name}); the log has the details",
    };

    /// <summary>Does something that may fail, and says how it did; null: it did not.</summary>
    public static string? Try(Action work)
    {
        try
        {
            work();
            return null;
        }
        catch (Exception fault)
        {
            return Of(fault);
        }
    }

    /// <summary>The path that the system's message has in quotes; null: none.</summary>
    public static string? PathIn(Exception fault) =>
        fault is IOException or UnauthorizedAccessException && fault.Message.Split('\'') is [_, { Length: > 0 } path, ..] ? path : null;

    /// <summary>Whether the message is this program's own, judged by where the exception was thrown.</summary>
    private static bool IsOurs(Exception fault)
    {
        // An exception that was never thrown was made by this program.
        if (new StackTrace(fault, fNeedFileInfo: false).GetFrame(0) is not { } frame) return true;
        return (frame.GetMethod()?.DeclaringType ?? fault.GetType()).Assembly.GetName().Name?.StartsWith("tulu2", StringComparison.OrdinalIgnoreCase) == true;
    }

    private static string OfSocket(SocketError code) => code switch
    {
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => "there is no host of that name",
        SocketError.ConnectionRefused => "nobody listens there",
        SocketError.AddressAlreadyInUse => "the port is taken",
        SocketError.AddressNotAvailable => "this machine has no such address",
        SocketError.AccessDenied => "this user may not use that port",
        SocketError.TimedOut => "there is no answer",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.HostDown or SocketError.NetworkDown => "the host cannot be reached",
        SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown or SocketError.NotConnected => "the connection broke off",
        _ => $"the network refuses it ({code})",
    };

    // .NET leaves the system's number in HResult: errno on Linux and macOS, a Win32 code in the lower half on Windows.
    private static string OfSystem(IOException fault) => (fault.HResult & 0xFFFF) switch
    {
        28 or 112 => "No space left on device",
        122 => "Disk quota exceeded",
        30 or 19 => "the file system is read-only",
        5 => "the disk reports an error",
        11 or 32 or 33 => "another process has it open",
        17 or 80 or 183 => "it is there already",
        20 => "a part of its path is a file, not a directory",
        21 => "it is a directory",
        23 or 24 => "too many files are open",
        36 or 206 => "its name is too long",
        39 or 66 or 145 => "the directory is not empty",
        40 or 62 => "its links go round in a circle",
        116 => "the network file system has lost it",
        0x1620 => "it cannot be read or written",
        var code => $"the system refuses it (error {code})",
    };
}
