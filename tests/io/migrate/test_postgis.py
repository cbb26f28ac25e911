"""The stand-in for PostGIS: what applications with a map call."""

from __future__ import annotations

import pytest

from tests.support.cluster import Database

OSLO = "ST_SetSRID(ST_MakePoint(10.7522, 59.9139), 4326)"
BERGEN = "'SRID=4326;POINT(5.3221 60.3913)'"
SQUARE = "'POLYGON((0 0, 0 4, 4 4, 4 0, 0 0), (1 1, 1 2, 2 2, 2 1, 1 1))'::geometry"


@pytest.fixture
def located(database: Database) -> Database:
    database.execute("create extension postgis with schema extensions")
    return database


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (f"ST_AsText({OSLO})", "POINT(10.7522 59.9139)"),
        (f"ST_SRID({OSLO})", 4326),
        (f"ST_X({OSLO}), ST_Y({OSLO}::geography::geometry)", (10.7522, 59.9139)),
        (f"ST_AsHexEWKB({BERGEN}::geography)", None),
        (
            "ST_AsEWKT('0101000020E61000000000000000001440000000000000F0BF'::geometry)",
            "SRID=4326;POINT(5 -1)",
        ),
        (
            "ST_AsHexEWKB('SRID=4326;POINT(5 -1)'::geometry)",
            "0101000020E61000000000000000001440000000000000F0BF",
        ),
        (
            'ST_AsText(ST_GeomFromGeoJSON(\'{"type":"LineString","coordinates":[[1,2],[3.5,-4]]}\'))',
            "LINESTRING(1 2,3.5 -4)",
        ),
        ("ST_AsText('MULTIPOINT((1 2), (3 4))'::geometry)", "MULTIPOINT(1 2,3 4)"),
        ("ST_AsText(ST_MakeEnvelope(0, 1, 2, 3, 4326))", "POLYGON((0 1,0 3,2 3,2 1,0 1))"),
        (
            f"ST_Contains({SQUARE}, ST_Point(3, 3)), ST_Contains({SQUARE}, ST_Point(1.5, 1.5)), ST_Within(ST_Point(9, 9), {SQUARE})",
            (True, False, False),
        ),
        (
            f"{SQUARE} && ST_MakeEnvelope(3, 3, 9, 9), {SQUARE} && ST_MakeEnvelope(5, 5, 9, 9)",
            (True, False),
        ),
        (
            "ST_Distance(ST_Point(0, 0), ST_Point(3, 4)), ST_Point(0, 0) <-> 'POINT(6 8)'",
            (5.0, 10.0),
        ),
        (
            f"to_json({OSLO}) ->> 'type', to_json({BERGEN}::geography) #>> '{{}}' like '0101000020E6100000%'",
            ("Point", True),
        ),
    ],
)
def test_values_are_those_of_postgis(located: Database, expression: str, expected: object) -> None:
    (row,) = located.execute(f"select {expression}")
    if expected is not None:
        assert (row if isinstance(expected, tuple) else row[0]) == expected


def test_a_geography_measures_the_earth(located: Database) -> None:
    ((metres, near, far, sphere),) = located.execute(
        f"select ST_Distance({OSLO}::geography, {BERGEN}),"
        f" ST_DWithin({OSLO}::geography, {BERGEN}, 310000),"
        f" ST_DWithin({OSLO}::geography, {BERGEN}, 300000), ST_DistanceSphere({OSLO}, {BERGEN})"
    )
    # Degrees along the equator and a meridian, whose lengths are known.
    ((equator, meridian),) = located.execute(
        "select ST_Distance('POINT(0 0)'::geography, 'POINT(1 0)'),"
        " ST_Distance('POINT(0 0)'::geography, 'POINT(0 1)')"
    )
    assert (round(equator, 2), round(meridian, 2)) == (111319.49, 110574.39)
    assert near
    assert not far
    assert abs(metres - sphere) / metres < 0.005


def test_a_table_with_places_is_made_indexed_and_asked(located: Database) -> None:
    for statement in (
        "create table places (id int primary key, at geography(Point, 4326) not null,"
        " area extensions.geometry(Polygon, 4326),"
        " lat float generated always as (ST_Y(at::geometry)) stored)",
        "create index on places using gist (at)",
        "create index on places using gist (area)",
        "insert into places (id, at) select n, ST_SetSRID(ST_MakePoint(n / 100.0, 50), 4326)"
        " from generate_series(1, 2000) as n",
        f"insert into places values (0, {BERGEN}, 'POLYGON((0 0,0 1,1 1,0 0))')",
    ):
        located.execute(statement)
    assert located.execute(
        "select id from places where ST_DWithin(at, ST_Point(10, 50)::geography, 1000) order by 1"
    ) == [(999,), (1000,), (1001,)]
    assert located.execute("select lat, ST_SRID(area) from places where id = 0") == [
        (60.3913, 4326)
    ]


def test_what_is_no_place_says_so(located: Database) -> None:
    with pytest.raises(Exception, match="invalid geometry"):
        located.execute("select ST_AsText('nowhere'::geometry)")
