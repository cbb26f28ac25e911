// net/http and pgx, written as an experienced user of both would. Role and claims are set in a
// transaction of the request, the token is verified by golang-jwt on every request, rows are
// scanned into structs. BATCH=1 sends set_config and statement as one pgx batch (one round trip,
// an implicit transaction) instead of BEGIN … COMMIT.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

type order struct {
	ID         int       `json:"id" db:"id"`
	CustomerID int       `json:"customer_id" db:"customer_id"`
	Status     string    `json:"status" db:"status"`
	Total      float64   `json:"total" db:"total"`
	Note       *string   `json:"note" db:"note"`
	CreatedAt  time.Time `json:"created_at" db:"created_at"`
}

type customer struct {
	Name string `json:"name"`
	City string `json:"city"`
}

type openOrder struct {
	ID        int      `json:"id"`
	Status    string   `json:"status"`
	Total     float64  `json:"total"`
	Customers customer `json:"customers"`
}

type event struct {
	ID        int64           `json:"id" db:"id"`
	Owner     string          `json:"owner" db:"owner"`
	Kind      string          `json:"kind" db:"kind"`
	Payload   json.RawMessage `json:"payload" db:"payload"`
	CreatedAt time.Time       `json:"created_at" db:"created_at"`
}

type city struct {
	City   string  `json:"city" db:"city"`
	Orders int64   `json:"orders" db:"orders"`
	Total  float64 `json:"total" db:"total"`
}

const (
	columns = "id, customer_id, status, total::float8 as total, note, created_at"
	enter   = `select set_config('role', $1, true), set_config('request.jwt.claims', $2, true),
		set_config('request.method', $3, true), set_config('request.path', $4, true)`
	oneOrder   = "select " + columns + " from orders where id = $1"
	orderPage  = "select " + columns + " from orders where id > $1 order by id limit 100"
	openOrders = `select o.id, o.status, o.total::float8, c.name, c.city from orders o
		join customers c on c.id = o.customer_id
		where o.status = 'open' and o.id > $1 order by o.id limit 20`
	addEvent = `insert into events (kind, payload) values ($1, $2)
		returning id, owner::text as owner, kind, payload, created_at`
	summary = "select city, orders, total::float8 as total from order_summary($1, $2)"
)

var (
	pool   *pgxpool.Pool
	secret = []byte(os.Getenv("JWT_SECRET"))
	batch  = os.Getenv("BATCH") == "1"
)

// caller verifies the bearer token and gives its role and its claims as JSON.
func caller(r *http.Request) (role, claims string, ok bool) {
	found := jwt.MapClaims{}
	header := r.Header.Get("Authorization")
	if len(header) < 7 {
		return "", "", false
	}
	key := func(*jwt.Token) (any, error) { return secret, nil }
	_, err := jwt.ParseWithClaims(header[7:], found, key,
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithAudience("authenticated"))
	if err != nil {
		return "", "", false
	}
	text, _ := json.Marshal(found)
	role, ok = found["role"].(string)
	return role, string(text), ok
}

func run[T any](r *http.Request, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, int) {
	role, claims, ok := caller(r)
	if !ok {
		return nil, http.StatusUnauthorized
	}
	ctx := r.Context()
	connection, err := pool.Acquire(ctx)
	if err != nil {
		return nil, http.StatusServiceUnavailable
	}
	defer connection.Release()
	rows, err := query(ctx, connection.Conn(), scan, role, claims, r, sql, args)
	if err != nil {
		log.Print(err)
		return nil, http.StatusInternalServerError
	}
	return rows, http.StatusOK
}

func query[T any](ctx context.Context, connection *pgx.Conn, scan pgx.RowToFunc[T],
	role, claims string, r *http.Request, sql string, args []any) ([]T, error) {
	if batch {
		both := &pgx.Batch{}
		both.Queue(enter, role, claims, r.Method, r.URL.Path)
		both.Queue(sql, args...)
		results := connection.SendBatch(ctx, both)
		defer results.Close()
		if _, err := results.Exec(); err != nil {
			return nil, err
		}
		rows, err := results.Query()
		if err != nil {
			return nil, err
		}
		found, err := pgx.CollectRows(rows, scan)
		if err != nil {
			return nil, err
		}
		return found, results.Close()
	}
	tx, err := connection.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback(ctx)
	if _, err = tx.Exec(ctx, enter, role, claims, r.Method, r.URL.Path); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, err
	}
	return found, tx.Commit(ctx)
}

func answer[T any](w http.ResponseWriter, good int, rows []T, status int) {
	if status != http.StatusOK {
		http.Error(w, http.StatusText(status), status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(good)
	_ = json.NewEncoder(w).Encode(rows)
}

func number(w http.ResponseWriter, text string) (int, bool) {
	value, err := strconv.Atoi(text)
	if err != nil {
		http.Error(w, "not a number", http.StatusBadRequest)
	}
	return value, err == nil
}

func main() {
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		log.Fatal(err)
	}
	config.MaxConns = 10
	if pool, err = pgxpool.NewWithConfig(context.Background(), config); err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		if id, ok := number(w, r.PathValue("id")); ok {
			rows, status := run(r, pgx.RowToStructByName[order], oneOrder, id)
			answer(w, 200, rows, status)
		}
	})
	mux.HandleFunc("GET /orders", func(w http.ResponseWriter, r *http.Request) {
		if after, ok := number(w, r.URL.Query().Get("after")); ok {
			rows, status := run(r, pgx.RowToStructByName[order], orderPage, after)
			answer(w, 200, rows, status)
		}
	})
	mux.HandleFunc("GET /open-orders", func(w http.ResponseWriter, r *http.Request) {
		if after, ok := number(w, r.URL.Query().Get("after")); ok {
			scan := func(row pgx.CollectableRow) (o openOrder, err error) {
				err = row.Scan(&o.ID, &o.Status, &o.Total, &o.Customers.Name, &o.Customers.City)
				return
			}
			rows, status := run(r, scan, openOrders, after)
			answer(w, 200, rows, status)
		}
	})
	mux.HandleFunc("POST /events", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Kind    string          `json:"kind"`
			Payload json.RawMessage `json:"payload"`
		}
		if json.NewDecoder(r.Body).Decode(&body) != nil {
			http.Error(w, "not JSON", http.StatusBadRequest)
			return
		}
		rows, status := run(r, pgx.RowToStructByName[event], addEvent, body.Kind, body.Payload)
		answer(w, 201, rows, status)
	})
	mux.HandleFunc("POST /rpc/order_summary", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Wanted   string `json:"wanted"`
			RowsRead int    `json:"rows_read"`
		}
		if json.NewDecoder(r.Body).Decode(&body) != nil {
			http.Error(w, "not JSON", http.StatusBadRequest)
			return
		}
		rows, status := run(r, pgx.RowToStructByName[city], summary, body.Wanted, body.RowsRead)
		answer(w, 200, rows, status)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), mux))
}
