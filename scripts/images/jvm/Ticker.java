// Streams one numbered line every 50 ms to each connection on port 7000; one thread per connection.
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

public class Ticker {
    public static void main(String[] arguments) throws IOException {
        String port = System.getenv().getOrDefault("PORT", "7000");
        try (ServerSocket server = new ServerSocket(Integer.parseInt(port))) {
            while (true) {
                Socket client = server.accept();
                Thread thread = new Thread(() -> stream(client));
                thread.setDaemon(true);
                thread.start();
            }
        }
    }

    private static void stream(Socket client) {
        try (client) {
            for (long number = 1;; number++) {
                client.getOutputStream().write((number + "\n").getBytes(StandardCharsets.US_ASCII));
                Thread.sleep(50);
            }
        } catch (IOException | InterruptedException gone) {
            // the client went away
        }
    }
}
