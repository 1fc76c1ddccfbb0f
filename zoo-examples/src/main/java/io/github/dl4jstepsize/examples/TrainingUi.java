package io.github.dl4jstepsize.examples;

import io.vertx.core.Context;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.impl.VertxInternal;
import org.deeplearning4j.core.storage.StatsStorage;
import org.deeplearning4j.ui.VertxUIServer;
import org.deeplearning4j.ui.api.UIServer;
import org.deeplearning4j.ui.model.stats.StatsListener;
import org.deeplearning4j.ui.model.storage.InMemoryStatsStorage;

import java.io.IOException;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** DL4J's own training UI; its chart of learning rates shows the factor on the direction that was found. */
final class TrainingUi {

    private static final String THIS_MACHINE = "localhost";

    private TrainingUi() {
    }

    /** Starts the server on this machine, on port 9000 or the one in the system property org.deeplearning4j.ui.port. */
    static void show(Network network) {
        if (VertxUIServer.getInstance() == null) {
            start();
        }
        StatsStorage statistics = new InMemoryStatsStorage();
        UIServer server = UIServer.getInstance();
        server.attach(statistics);
        network.addListener(new StatsListener(statistics));
        System.out.println("DL4J's training UI: " + server.getAddress());
    }

    private static void start() {
        CompletableFuture<String> started = new CompletableFuture<>();
        Vertx.vertx().deployVerticle(new LocalServer(), result -> {
            if (result.succeeded()) {
                started.complete(result.result());
            } else {
                started.completeExceptionally(result.cause());
            }
        });
        try {
            started.join();
        } catch (CompletionException e) {
            throw new InputException("DL4J's training UI cannot be started; is its port in use? Set another one with"
                    + " JAVA_TOOL_OPTIONS=-Dorg.deeplearning4j.ui.port=9001", e.getCause());
        }
    }

    /** Waits for Enter, if there is somebody who can press it. */
    static void stayOpen() {
        if (System.console() == null) {
            return;
        }
        System.out.println("The training UI stays open until you press Enter.");
        try {
            System.in.read();
        } catch (IOException e) {
            throw new InputException("standard input cannot be read", e);
        }
    }

    /** DL4J's server listens on every network interface and has no setting for it; that of Vert.x below it has. */
    private static final class LocalServer extends VertxUIServer {

        @Override
        public void init(Vertx vertx, Context context) {
            super.init(with(VertxInternal.class, (method, arguments) -> method.getName().equals("createHttpServer")
                    ? local(vertx.createHttpServer()) : method.invoke(vertx, arguments)), context);
        }

        private static HttpServer local(HttpServer server) {
            return with(HttpServer.class, (method, arguments) -> {
                if (method.getName().equals("listen")) {
                    return method.getDeclaringClass().getMethod("listen", int.class, String.class, Handler.class)
                            .invoke(server, arguments[0], THIS_MACHINE, arguments[1]);
                }
                Object result = method.invoke(server, arguments);
                return result == server ? local(server) : result;
            });
        }

        /** What an object answers instead of another one. */
        private interface Answer {
            Object to(Method method, Object[] arguments) throws ReflectiveOperationException;
        }

        private static <T> T with(Class<T> type, Answer answer) {
            InvocationHandler handler = (proxy, method, arguments) -> {
                try {
                    return answer.to(method, arguments);
                } catch (InvocationTargetException e) {
                    throw e.getCause();
                }
            };
            return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[]{type}, handler));
        }
    }
}
